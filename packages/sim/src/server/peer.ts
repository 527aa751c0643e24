import { FrameError } from '@dustlayer/protocol'
import { createTopics, type Grant, type Outlet, type Services, type WireFormat } from '@dustlayer/server/core'
import type { SimLink } from '../link.js'
import type { SimTime } from '../time.js'
import { Crash } from '../violation.js'
import type { ServerDisk, ServerProcess } from './server-disk.js'

const IDLE_MS = 60_000
const SWEEP_MS = 15_000
const DRAIN_POLL_MS = 20
const BAD_PEER = 1002
const POLICY_VIOLATION = 1008

export interface PeerOptions {
  readonly process: ServerProcess & { readonly services: Services; readonly peers: Set<SimLink> }
  readonly link: SimLink
  readonly format: WireFormat
  readonly deviceId: string
  readonly grant: Grant
  readonly disk: ServerDisk
  readonly time: SimTime
  /** Whether the client takes nothing at the moment, so that frames for it pile up. */
  slow(): boolean
}

/** The server's side of one connection: the real topics over a simulated link instead of a WebSocket. */
export function acceptPeer(options: PeerOptions): void {
  const { process, link, format, deviceId, grant, disk, time, slow } = options
  const { services, peers } = process
  let lastHeard = time.now
  let cancelSweep = (): void => {}

  /** What a process does when it is dead does not happen. */
  const whileAlive = (run: () => void): void => {
    if (!process.alive) return
    try {
      run()
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    }
  }

  const whenDrained = (run: () => void, ms = 0): void =>
    void time.after(ms, () => {
      if (!process.alive || !peers.has(link)) return
      if (slow()) whenDrained(run, DRAIN_POLL_MS)
      else whileAlive(run)
    })

  const outlet: Outlet = {
    format,
    congested: slow,
    whenDrained,
    send(frame) {
      if (!process.alive) return
      try {
        disk.reach('sending', process)
      } catch (error) {
        if (error instanceof Crash) return
        throw error
      }
      link.sendDown(frame)
    },
  }
  const topics = createTopics({
    services,
    outlet,
    intake: { hold: () => () => {}, pushed: () => () => {} },
    grant,
    deviceId,
  })

  const receive = (data: string | Uint8Array): void => {
    lastHeard = time.now
    if (!services.catalog.tokens.isLive(topics.grant().tokenId, time.now)) {
      link.closeFar(POLICY_VIOLATION, 'the token is no longer valid')
      return
    }
    const binary = typeof data !== 'string'
    topics.handle(format.decode(Buffer.from(data), binary))
  }

  const sweep = (): void => {
    if (!process.alive || !peers.has(link)) return
    if (time.now - lastHeard >= IDLE_MS) link.closeFar(BAD_PEER, 'idle')
    else cancelSweep = time.after(SWEEP_MS, sweep)
  }

  peers.add(link)
  sweep()
  link.accept({
    receive: (data) =>
      whileAlive(() => {
        try {
          receive(data)
        } catch (error) {
          if (!(error instanceof FrameError)) throw error
          link.closeFar(BAD_PEER, 'malformed frame')
        }
      }),
    gone() {
      peers.delete(link)
      cancelSweep()
      if (process.alive) topics.stop()
    },
  })
}
