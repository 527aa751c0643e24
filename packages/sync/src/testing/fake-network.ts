import { createMsgpackCodec, type Frame, jsonCodec } from '@dustlayer/protocol'
import type { Clock } from '../clock.js'
import type { LinkHandlers, ProbeResult, Transport } from '../transport.js'

/** The server's end of one connection of a {@link FakeNetwork}. */
export interface Peer {
  readonly url: string
  /** Every frame that has arrived at the server, in order. */
  readonly received: readonly Frame[]
  readonly open: boolean
  send(frame: Frame): void
  /** Sends a message as it is, a frame or not. */
  sendRaw(data: string | ArrayBuffer): void
  close(code?: number, reason?: string): void
}

/** What the server does; everything has a default that does nothing. */
export interface PeerHandlers {
  /** A client dials. The result accepts it, or refuses the handshake. */
  connect?(peer: Peer): boolean
  frame?(peer: Peer, frame: Frame): void
  /** The client or the network ended the connection. */
  closed?(peer: Peer): void
}

export interface FakeNetworkOptions {
  readonly clock: Clock
  /** Milliseconds that a message takes; messages of one direction never overtake each other. */
  latency?(): number
  readonly handlers?: PeerHandlers
  /** What one direction of a connection carries; without it, any size takes the latency alone. */
  readonly bytesPerSecond?: number
  /** The answer to `transport.probe`; without it there is none. */
  readonly probe?: (url: string) => Promise<ProbeResult>
}

/** A network of messages with real frames in them, in fake time, that fails on command. */
export interface FakeNetwork {
  readonly transport: Transport
  /** All connections ever dialled, in order. */
  readonly peers: readonly Peer[]
  /** The latest connection. @throws Error when there is none. */
  peer(): Peer
  /** Dialling fails while set. */
  unreachable: boolean
  /** Dialling is neither answered nor refused while set. */
  hanging: boolean
  /** Told of each attempt. */
  onDial: (() => void) | undefined
  /** Ends all connections; `deliver` decides for each message of a client on its way whether it still arrives. */
  cut(deliver?: () => boolean): void
  /** From now on nothing passes on the present connections, and nobody is told. */
  silence(): void
}

interface Line {
  /** Messages on their way to the server, in order. */
  readonly upstream: Set<() => void>
  cut(deliver: () => boolean): void
  silence(): void
}

const NO_CLOSE_FRAME = 1006

export function createFakeNetwork({
  clock,
  latency = () => 1,
  bytesPerSecond = Number.POSITIVE_INFINITY,
  handlers = {},
  probe,
}: FakeNetworkOptions): FakeNetwork {
  const peers: Peer[] = []
  const lines: Line[] = []

  const lane = (): ((run: () => void, bytes?: number) => void) => {
    let last = 0
    return (run, bytes = 0) => {
      last = Math.max(last, clock.now() + latency()) + (bytes * 1_000) / bytesPerSecond
      clock.setTimer(last - clock.now(), run)
    }
  }

  const network: FakeNetwork = {
    transport: {
      connect: (url, client) => connect(url, client),
      ...(probe && { probe }),
    },
    peers,
    peer() {
      const latest = peers.at(-1)
      if (!latest) throw new Error('Nobody has connected.')
      return latest
    },
    unreachable: false,
    hanging: false,
    onDial: undefined,
    cut(deliver = () => false) {
      for (const line of lines) line.cut(deliver)
    },
    silence() {
      for (const line of lines) line.silence()
    },
  }
  return network

  function connect(url: string, client: LinkHandlers) {
    const codec = url.includes('vsn=3.0.0') ? createMsgpackCodec() : jsonCodec
    const toServer = lane()
    const toClient = lane()
    const received: Frame[] = []
    const upstream = new Set<() => void>()
    let stage: 'dialling' | 'open' | 'closed' = 'dialling'
    let silent = false

    const tellClosed = (code: number, reason: string): void => {
      toClient(() => {
        if (!silent) client.close({ code, reason })
      })
    }

    const end = (code: number, reason = ''): void => {
      if (stage === 'closed') return
      const wasOpen = stage === 'open'
      stage = 'closed'
      upstream.clear()
      if (wasOpen) handlers.closed?.(peer)
      tellClosed(code, reason)
    }

    const peer: Peer = {
      url,
      received,
      get open() {
        return stage === 'open'
      },
      send: (frame) => {
        const data = codec.encode(frame)
        peer.sendRaw(typeof data === 'string' ? data : new Uint8Array(data).buffer)
      },
      sendRaw(data) {
        if (stage !== 'open') return
        toClient(() => {
          if (!silent) client.message(data)
        }, sizeOf(data))
      },
      close: (code = 1000, reason = '') => end(code, reason),
    }
    peers.push(peer)
    network.onDial?.()
    const { hanging } = network
    lines.push({
      upstream,
      cut(deliver) {
        for (const arrive of [...upstream]) if (deliver()) arrive()
        end(NO_CLOSE_FRAME)
      },
      silence() {
        silent = true
        upstream.clear()
        if (stage === 'open') handlers.closed?.(peer)
        stage = 'closed'
      },
    })

    toServer(() => {
      if (stage !== 'dialling' || hanging) return
      if (network.unreachable || handlers.connect?.(peer) === false) {
        end(NO_CLOSE_FRAME)
        return
      }
      stage = 'open'
      toClient(() => {
        if (!silent && stage === 'open') client.open()
      })
    })

    return {
      send(data: string | Uint8Array) {
        if (stage !== 'open') return
        const frame = codec.decode(data)
        const arrive = (): void => {
          if (!upstream.delete(arrive)) return
          received.push(frame)
          handlers.frame?.(peer, frame)
        }
        upstream.add(arrive)
        toServer(arrive, sizeOf(data))
      },
      close: () => end(1000),
      buffered: 0,
    }
  }
}

function sizeOf(data: string | Uint8Array | ArrayBuffer): number {
  return typeof data === 'string' ? data.length : data.byteLength
}
