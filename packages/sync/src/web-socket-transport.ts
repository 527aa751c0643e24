import type { LinkClose, ProbeResult, Transport } from './transport.js'

/** What this transport needs of an event of a WebSocket. */
export interface SocketEvent {
  readonly type: string
  readonly data?: unknown
  readonly code?: number
  readonly reason?: string
}

/** The part of the WebSocket interface that is used: that of browsers, Node 22 and the `ws` package. */
export interface WebSocketLike {
  binaryType: string
  readonly readyState: number
  readonly bufferedAmount: number
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: SocketEvent) => void): void
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
}

export interface FetchResponse {
  readonly status: number
  /** `opaqueredirect` for a redirection that was not followed. */
  readonly type?: string
  readonly headers: { get(name: string): string | null }
  json(): Promise<unknown>
}

export interface WebSocketTransportOptions {
  readonly WebSocket: new (url: string) => WebSocketLike
  /**
   * Without it, the reason of a failed handshake stays unknown: sockets of browsers do not tell. It should not follow
   * redirections, which a server never answers with, but captive portals do.
   */
  readonly fetch?: (url: string) => Promise<FetchResponse>
}

const OPEN = 1
const NO_CLOSE_FRAME: LinkClose = { code: 1006, reason: '' }

/**
 * The transport over WebSockets. Offers no subprotocol: a browser would fail the connection, as servers select none
 * (spec/wire.md §1).
 * @example createWebSocketTransport({ WebSocket, fetch: (url) => fetch(url, { redirect: 'manual' }) })
 */
export function createWebSocketTransport({ WebSocket, fetch }: WebSocketTransportOptions): Transport {
  return {
    connect(url, handlers) {
      const socket = new WebSocket(url)
      let ended = false
      socket.binaryType = 'arraybuffer'
      socket.addEventListener('open', () => {
        if (!ended) handlers.open()
      })
      socket.addEventListener('message', ({ data }) => {
        if (!ended && (typeof data === 'string' || data instanceof ArrayBuffer)) handlers.message(data)
      })
      socket.addEventListener('close', ({ code, reason }) => {
        if (ended) return
        ended = true
        handlers.close({ code: code ?? NO_CLOSE_FRAME.code, reason: reason ?? '' })
      })
      // A listener is needed in Node, where an unheard error ends the process; the close that follows says it all.
      socket.addEventListener('error', () => {})
      return {
        send(data) {
          // What codecs write is never in shared memory, which is all that the narrower type excludes.
          if (socket.readyState === OPEN) socket.send(data as string | Uint8Array<ArrayBuffer>)
        },
        close(code, reason) {
          // After iOS has suspended a page, closing its socket does nothing, and no event ever comes
          // (WebKit bug 247943): it is let go of, not waited for.
          ended = true
          socket.close(code, reason)
        },
        get buffered() {
          return socket.bufferedAmount
        },
      }
    },
    ...(fetch && { probe: (url: string) => probe(fetch, url) }),
  }
}

/**
 * Asks over plain HTTP what the handshake would get. Our server answers 426 where it would accept, and 403 with the
 * reason; the reference's 403 has none.
 */
async function probe(fetch: (url: string) => Promise<FetchResponse>, url: string): Promise<ProbeResult> {
  let response: FetchResponse
  try {
    response = await fetch(url.replace(/^ws/, 'http'))
  } catch {
    // Unreachable, or of another origin that does not let us read: either way nothing is learned.
    return { outcome: 'unknown' }
  }
  switch (response.status) {
    case 403:
      return { outcome: 'refused', reason: await reasonOf(response) }
    case 426:
      return { outcome: 'accepted' }
    case 429:
    case 503: {
      const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
      return seconds > 0 ? { outcome: 'busy', retryAfterMs: seconds * 1000 } : { outcome: 'unknown' }
    }
    default:
      return isForeign(response) ? { outcome: 'intercepted' } : { outcome: 'unknown' }
  }
}

/** A page, or the way to one: no Dust server answers like this where it takes sockets. */
function isForeign({ status, type }: FetchResponse): boolean {
  return type === 'opaqueredirect' || (status >= 200 && status < 400)
}

async function reasonOf(response: FetchResponse): Promise<string> {
  const body = await response.json().catch(() => null)
  const reason = typeof body === 'object' && body !== null && 'reason' in body ? body.reason : null
  return typeof reason === 'string' ? reason : 'forbidden'
}
