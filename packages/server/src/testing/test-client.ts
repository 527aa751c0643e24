import {
  createMsgpackCodec,
  type Frame,
  type FramePayload,
  type JsonValue,
  jsonCodec,
} from '@dustlayer/protocol'
import { type RawData, WebSocket } from 'ws'

export interface TestClientOptions {
  readonly url: string
  readonly token: string
  readonly format: 'json' | 'msgpack'
  readonly deviceId: string
  /** Sent with the handshake. */
  readonly headers: { readonly [name: string]: string }
}

export interface TestReply {
  readonly status: string
  readonly response: FramePayload
}

/** A peer that speaks the bare protocol and keeps every frame it gets. */
export interface TestClient {
  readonly ws: WebSocket
  readonly frames: readonly Frame[]
  /** Whether each message came as binary. */
  readonly binary: readonly boolean[]
  send(frame: Frame): void
  sendRaw(data: string | Uint8Array): void
  /** Joins and resolves with the reply; the topic's join_ref is used by later pushes. */
  join(topic: string, lastStoreSeq?: JsonValue, asked?: FramePayload): Promise<TestReply>
  push(topic: string, event: string, payload: FramePayload): Promise<TestReply>
  write(topic: string, payload: FramePayload): Promise<TestReply>
  /** The first frame, past or to come, for which this holds. */
  waitFor(holds: (frame: Frame) => boolean, what?: string): Promise<Frame>
  /** Resolves when catch-up of the topic is complete. */
  caughtUp(topic: string): Promise<void>
  /** Payloads of the `event` frames so far. */
  events(topic?: string): FramePayload[]
  readonly closed: Promise<{ code: number; reason: string }>
  close(): void
}

/** What existing clients know; anything else crashes some of them (spec/wire.md §9.4). */
const KNOWN_EVENTS = ['phx_reply', 'phx_close', 'phx_error', 'event', 'snapshot', 'catch_up_complete']
const KNOWN_OPS = [
  'set',
  'delete',
  'merge',
  'increment',
  'add',
  'remove',
  'put_file',
  'lease',
  'renew',
  'release',
]

/** What only a join that asked for extensions may get. */
const EXTENDED_EVENTS = ['snapshot_chunk', 'events']

/** M06 holds in every test: an unknown event or op fails the run. */
function expectKnown([joinRef, ref, , event, payload]: Frame, extended: boolean): void {
  const knownEvent = KNOWN_EVENTS.includes(event) || (extended && EXTENDED_EVENTS.includes(event))
  const known = knownEvent && (event !== 'event' || KNOWN_OPS.includes(String(payload.op)))
  const closing = event !== 'phx_close' || (joinRef === ref && ref !== null)
  if (!known || !closing)
    throw new Error(`The server sent what no client knows: ${event} ${String(payload.op)}`)
}

const PATIENCE_MS = 10_000

export async function connect(
  options: Partial<TestClientOptions> & { url: string; token: string },
): Promise<TestClient> {
  const { url, token, format = 'json', deviceId = 'd', headers = {} } = options
  const vsn = format === 'json' ? '2.0.0' : '3.0.0'
  const query = new URLSearchParams({ token, device_id: deviceId, capver: '3', vsn })
  const ws = new WebSocket(`${url}/websocket?${query}`, { headers, perMessageDeflate: false })
  ws.binaryType = 'nodebuffer'
  const client = createTestClient(ws, format)
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve)
    ws.once('error', reject)
  })
  return client
}

function createTestClient(ws: WebSocket, format: 'json' | 'msgpack'): TestClient {
  const codec = format === 'json' ? jsonCodec : createMsgpackCodec()
  const frames: Frame[] = []
  const binary: boolean[] = []
  const joinRefs = new Map<string, string>()
  let waiting: { holds: (frame: Frame) => boolean; resolve: (frame: Frame) => void }[] = []
  /** Joins that asked for extensions. */
  const extended = new Set<string>()
  let ref = 0

  ws.on('message', (data: RawData, isBinary: boolean) => {
    // binaryType makes every message a Buffer.
    const bytes = data as Buffer
    const frame = codec.decode(isBinary ? bytes : bytes.toString())
    expectKnown(frame, typeof frame[0] === 'string' && extended.has(frame[0]))
    frames.push(frame)
    binary.push(isBinary)
    const met = waiting.filter(({ holds }) => holds(frame))
    waiting = waiting.filter((waiter) => !met.includes(waiter))
    for (const { resolve } of met) resolve(frame)
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })

  const waitFor = (holds: (frame: Frame) => boolean, what = 'a frame') => {
    const past = frames.find(holds)
    if (past) return Promise.resolve(past)
    return new Promise<Frame>((resolve, reject) => {
      const timer = setTimeout(() => {
        const seen = frames
          .slice(-5)
          .map((frame) => JSON.stringify(frame, (_, v) => (typeof v === 'bigint' ? `${v}` : v)))
        reject(new Error(`Waited in vain for ${what}. The last frames were:\n${seen.join('\n')}`))
      }, PATIENCE_MS)
      waiting.push({
        holds,
        resolve: (frame) => {
          clearTimeout(timer)
          resolve(frame)
        },
      })
    })
  }
  const send = (frame: Frame) => ws.send(codec.encode(frame))
  const request = async (topic: string, event: string, payload: FramePayload, joinRef: string | null) => {
    const own = String(++ref)
    if (event === 'phx_join') {
      joinRefs.set(topic, own)
      if (payload.extensions) extended.add(own)
    }
    send([event === 'phx_join' ? own : joinRef, own, topic, event, payload])
    const reply = await waitFor(
      (frame) => frame[1] === own && frame[3] === 'phx_reply',
      `the reply to ${event} ${own}`,
    )
    // The payload of a reply has this shape.
    return reply[4] as unknown as TestReply
  }
  const push = (topic: string, event: string, payload: FramePayload) => {
    return request(topic, event, payload, joinRefs.get(topic) ?? null)
  }

  return {
    ws,
    frames,
    binary,
    send,
    sendRaw: (data) => ws.send(data),
    join: (topic, lastStoreSeq = 0, asked = {}) =>
      request(topic, 'phx_join', { last_store_seq: lastStoreSeq, ...asked }, null),
    push,
    write: (topic, payload) => push(topic, 'write', payload),
    waitFor,
    async caughtUp(topic) {
      const joinRef = joinRefs.get(topic)
      await waitFor((frame) => frame[0] === joinRef && frame[3] === 'catch_up_complete', 'catch_up_complete')
    },
    events: (topic) =>
      frames
        .filter((frame) => frame[3] === 'event' && (!topic || frame[2] === topic))
        .map((frame) => frame[4]),
    closed,
    close: () => ws.terminate(),
  }
}
