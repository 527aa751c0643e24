import { expect, test } from 'vitest'
import type { LinkClose } from './transport.js'
import {
  createWebSocketTransport,
  type FetchResponse,
  type SocketEvent,
  type WebSocketLike,
} from './web-socket-transport.js'

const URL = 'wss://h/ws/sync/websocket?token=t'

/** A WebSocket without a network: events are told by hand. */
class ScriptedSocket implements WebSocketLike {
  static last: ScriptedSocket | undefined
  readonly url: string
  readonly rest: readonly unknown[]
  readonly sent: unknown[] = []
  readonly listeners = new Map<string, (event: SocketEvent) => void>()
  binaryType = 'blob'
  readyState = 0
  bufferedAmount = 7

  constructor(url: string, ...rest: unknown[]) {
    this.url = url
    this.rest = rest
    ScriptedSocket.last = this
  }

  addEventListener(type: string, listener: (event: SocketEvent) => void): void {
    this.listeners.set(type, listener)
  }

  send(data: unknown): void {
    this.sent.push(data)
  }

  close(): void {
    this.readyState = 2
  }

  tell(type: string, event: Omit<SocketEvent, 'type'> = {}): void {
    this.listeners.get(type)?.({ type, ...event })
  }
}

function connect() {
  const heard: unknown[] = []
  const link = createWebSocketTransport({ WebSocket: ScriptedSocket }).connect(URL, {
    open: () => heard.push('open'),
    message: (data) => heard.push(data),
    close: (info: LinkClose) => heard.push(info),
  })
  const socket = ScriptedSocket.last
  if (!socket) throw new Error('No socket was made.')
  return { link, socket, heard }
}

test('B23 asks for ArrayBuffers, and offers no subprotocol', () => {
  const { socket } = connect()
  expect([socket.url, socket.rest, socket.binaryType]).toEqual([URL, [], 'arraybuffer'])
})

test('passes on what happens', () => {
  const { socket, heard } = connect()
  const bytes = new ArrayBuffer(2)
  socket.tell('open')
  socket.tell('message', { data: 'text' })
  socket.tell('message', { data: bytes })
  socket.tell('error')
  socket.tell('close', { code: 1001, reason: 'away' })
  socket.tell('close', { code: 1001, reason: 'away' })
  expect(heard).toEqual(['open', 'text', bytes, { code: 1001, reason: 'away' }])
})

test('sends on an open socket only: others throw', () => {
  const { link, socket } = connect()
  link.send('early')
  socket.readyState = 1
  link.send('now')
  link.close()
  link.send('late')
  expect(socket.sent).toEqual(['now'])
  expect(link.buffered).toBe(7)
})

function responding(status: number, body: unknown, headers: { readonly [name: string]: string } = {}) {
  const asked: string[] = []
  const transport = createWebSocketTransport({
    WebSocket: ScriptedSocket,
    async fetch(url): Promise<FetchResponse> {
      asked.push(url)
      return {
        status,
        headers: { get: (name) => headers[name] ?? null },
        async json() {
          if (body === undefined) throw new SyntaxError('empty')
          return body
        },
      }
    },
  })
  return { asked, probed: transport.probe?.(URL) }
}

test.each([
  [403, { reason: 'bad_token' }, {}, { outcome: 'refused', reason: 'bad_token' }],
  [403, undefined, {}, { outcome: 'refused', reason: 'forbidden' }],
  [426, { ok: true }, {}, { outcome: 'accepted' }],
  [503, undefined, { 'retry-after': '7' }, { outcome: 'busy', retryAfterMs: 7_000 }],
  [429, undefined, {}, { outcome: 'unknown' }],
  [200, undefined, {}, { outcome: 'intercepted' }],
  [302, undefined, {}, { outcome: 'intercepted' }],
  [404, undefined, {}, { outcome: 'unknown' }],
])('A15 a failed handshake is asked after over HTTP: %d %j', async (status, body, headers, result) => {
  const { asked, probed } = responding(status, body, headers)
  expect(await probed).toEqual(result)
  expect(asked).toEqual(['https://h/ws/sync/websocket?token=t'])
})

test('A15 an answer that cannot be read tells nothing', async () => {
  const transport = createWebSocketTransport({
    WebSocket: ScriptedSocket,
    fetch: () => Promise.reject(new TypeError('Failed to fetch')),
  })
  expect(await transport.probe?.(URL)).toEqual({ outcome: 'unknown' })
  expect(createWebSocketTransport({ WebSocket: ScriptedSocket }).probe).toBeUndefined()
})

test('C21 a socket that is let go of is not heard any more, although closing it has no effect (WebKit 247943)', () => {
  const { link, socket, heard } = connect()
  socket.readyState = 1
  socket.tell('open')
  link.close()
  socket.tell('message', { data: 'ghost' })
  socket.tell('close', { code: 1006 })
  expect(heard).toEqual(['open'])
})

test('A15 a redirection is an answer of somebody else', async () => {
  const transport = createWebSocketTransport({
    WebSocket: ScriptedSocket,
    fetch: async () => ({
      status: 0,
      type: 'opaqueredirect',
      headers: { get: () => null },
      json: () => Promise.reject(new TypeError('opaque')),
    }),
  })
  expect(await transport.probe?.(URL)).toEqual({ outcome: 'intercepted' })
})
