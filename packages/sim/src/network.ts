import { createMsgpackCodec, type Frame, jsonCodec } from '@dustlayer/protocol'
import type { Transport } from '@dustlayer/sync'
import { createLink, type SimLink } from './link.js'
import { createRandom, type Random } from './random.js'
import type { Conditions } from './schedule.js'
import type { ServerMachine } from './server/server-machine.js'
import type { SimTime } from './time.js'
import type { Trace } from './trace.js'

/** A client's way to the server: at most one connection that matters at a time, each on a link of its own. */
export interface Access {
  readonly transport: Transport
  /** Handshakes fail while set. */
  unreachable: boolean
  /** Frames to this client pile up at the server while set. */
  slow: boolean
  /** The latest connection. */
  readonly link: SimLink | undefined
}

export interface AccessOptions {
  readonly time: SimTime
  readonly server: ServerMachine
  readonly conditions: Conditions
  readonly seed: number
  readonly client: number
  readonly trace: Trace | undefined
}

export function createAccess(options: AccessOptions): Access {
  const { time, server, conditions, seed, client, trace } = options
  const { latency } = conditions
  const codecs = { json: jsonCodec, msgpack: createMsgpackCodec() }
  let dials = 0
  let link: SimLink | undefined

  const decode = (data: string | Uint8Array): Frame =>
    typeof data === 'string' || !isBinary(client)
      ? jsonCodec.decode(textOf(data))
      : codecs.msgpack.decode(data)

  const isBinary = (index: number): boolean => conditions.clients[index] === 'msgpack'

  const access: Access = {
    unreachable: false,
    slow: false,
    get link() {
      return link
    },
    transport: {
      connect(url, near) {
        dials += 1
        const random: Random = createRandom(seed, client, dials)
        const made = createLink({
          time,
          random,
          latency,
          near: {
            ...near,
            message(data) {
              const bytes = typeof data === 'string' ? data : new Uint8Array(data)
              trace?.(`c${client} <--- ${describeFrame(decode(bytes))}`)
              near.message(data)
            },
          },
          loose: (data) => isLoose(decode(data)),
        })
        link = made
        time.after(random.int(latency.min, latency.max), () => {
          trace?.(
            `c${client}      dials: ${access.unreachable ? 'unreachable' : server.up ? 'there' : 'down'}`,
          )
          if (access.unreachable) made.refuse()
          else server.dial(url, made, () => access.slow)
        })
        return {
          send(data) {
            if (made.open) trace?.(`c${client} ---> ${describeFrame(decode(data))}`)
            made.sendUp(data)
          },
          close: () => made.closeNear(),
          buffered: 0,
        }
      },
      probe: (url) =>
        new Promise((resolve) => {
          time.after(latency.max, () => {
            if (access.unreachable || !server.up) resolve({ outcome: 'unknown' })
            else
              resolve(
                server.admits(url) ? { outcome: 'accepted' } : { outcome: 'refused', reason: 'bad_token' },
              )
          })
        }),
    },
  }
  return access
}

/** Live events and answers to writes: a member of a topic may miss them, or get them twice or late. */
function isLoose([joinRef, ref, , event]: Frame): boolean {
  return (
    (event === 'event' && joinRef === null) || (event === 'phx_reply' && joinRef !== null && joinRef !== ref)
  )
}

function textOf(data: string | Uint8Array): string {
  return typeof data === 'string' ? data : Buffer.from(data).toString()
}

function describeFrame([joinRef, ref, , event, payload]: Frame): string {
  return JSON.stringify([joinRef, ref, event, payload], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
}
