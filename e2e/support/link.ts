import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'

/** `[join_ref, ref, topic, event, payload]`, spec/wire.md §2. */
export type Frame = [
  joinRef: string | null,
  ref: string | null,
  topic: string,
  event: string,
  payload: FramePayload,
]
export type FramePayload = Record<string, unknown>

/** One socket of a browser, as seen half-way to the server. */
export interface LinkSocket {
  readonly deviceId: string
  readonly open: boolean
  /** What the server has sent, held frames included. */
  readonly received: readonly Frame[]
  /** What the browser has sent. */
  readonly sent: readonly Frame[]
}

/**
 * A wire between browsers and a server (JSON frames only) that a test can watch, hold and cut. It shows what no
 * page can tell: how many sockets a browser has and what really travelled.
 */
export interface Link {
  /** To be given to the SDK in place of the server's. */
  readonly url: string
  /** Every socket there ever was, oldest first. */
  readonly sockets: readonly LinkSocket[]
  openSockets(): LinkSocket[]
  /** From now on, frames of the server wait from the first one on that `from` accepts; the browser sends freely. */
  hold(from?: (frame: Frame) => boolean): void
  /** Delivers what waits, and all that follows. */
  release(): void
  /** Breaks every connection, without a close frame; what waits is lost. */
  cut(): void
  close(): Promise<void>
}

export async function openLink(serverUrl: string): Promise<Link> {
  const sockets: (LinkSocket & Wire)[] = []
  let holdFrom: ((frame: Frame) => boolean) | undefined
  const front = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const http = createServer((_request, response) => response.writeHead(404).end())

  http.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    const query = new URL(request.url ?? '/', 'http://link').searchParams
    const target = `${serverUrl}/websocket?${query}`
    const upstream = new WebSocket(target, {
      perMessageDeflate: false,
      ...(request.headers.origin !== undefined && { origin: request.headers.origin }),
    })
    // A server that is down, or refuses, looks just so to the browser.
    upstream.once('unexpected-response', (_request, response) => {
      socket.end(`HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\nConnection: close\r\n\r\n`)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.terminate())
    upstream.once('open', () => {
      front.handleUpgrade(request, socket, head, (downstream) => {
        sockets.push(join(query.get('device_id') ?? '', downstream, upstream, () => holdFrom))
      })
    })
  })

  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has such an address.
  const { port } = http.address() as AddressInfo
  const cut = () => {
    for (const socket of sockets) socket.cut()
  }
  return {
    url: `ws://127.0.0.1:${port}/ws/sync`,
    sockets,
    openSockets: () => sockets.filter((socket) => socket.open),
    hold(from = () => true) {
      holdFrom = from
    },
    release() {
      holdFrom = undefined
      for (const socket of sockets) socket.flush()
    },
    cut,
    close() {
      cut()
      http.closeAllConnections()
      return new Promise((resolve, reject) => http.close((error) => (error ? reject(error) : resolve())))
    },
  }
}

interface Wire {
  flush(): void
  cut(): void
}

function join(
  deviceId: string,
  downstream: WebSocket,
  upstream: WebSocket,
  holdFrom: () => ((frame: Frame) => boolean) | undefined,
): LinkSocket & Wire {
  const received: Frame[] = []
  const sent: Frame[] = []
  const waiting: string[] = []
  upstream.on('message', (data) => {
    const text = data.toString()
    const frame: Frame = JSON.parse(text)
    received.push(frame)
    // Once one waits, those behind it wait as well: order is part of the wire.
    if (waiting.length > 0 || holdFrom()?.(frame)) waiting.push(text)
    else downstream.send(text)
  })
  downstream.on('message', (data) => {
    const text = data.toString()
    sent.push(JSON.parse(text))
    if (upstream.readyState === WebSocket.OPEN) upstream.send(text)
  })
  const cut = () => {
    waiting.length = 0
    upstream.terminate()
    downstream.terminate()
  }
  upstream.once('close', cut)
  downstream.once('close', cut)
  downstream.on('error', cut)
  return {
    deviceId,
    received,
    sent,
    get open() {
      return downstream.readyState === WebSocket.OPEN
    },
    flush() {
      for (const text of waiting.splice(0)) downstream.send(text)
    },
    cut,
  }
}
