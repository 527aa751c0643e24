import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** What a network between browsers and a server does to all that passes. It can be changed while it runs. */
export interface RoughNetwork {
  /** `http://127.0.0.1:port`, in place of the server's. */
  readonly origin: string
  /** Bytes that pass in a second, in each direction of each connection. */
  bytesPerSecond: number
  /** Every request is answered with a web page, as by a hotel that wants a sign-in first. Cuts what is open. */
  portal: boolean
  /** Connections on which nothing has passed for so long are cut, without a word. */
  idleMs: number
  /** Connections that were cut for being idle. */
  readonly idleCuts: number
  close(): Promise<void>
}

const PORTAL_PAGE = '<!doctype html><title>Welcome</title><p>Please sign in to our network.'
const SLICE_MS = 50

export async function openRoughNetwork(serverOrigin: string): Promise<RoughNetwork> {
  const target = new URL(serverOrigin)
  const pairs = new Set<readonly [Socket, Socket]>()
  let portal = false
  let idleCuts = 0

  const cutAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }

  const welcome = (client: Socket): void => {
    client.on('error', () => client.destroy())
    client.once('data', () => {
      const head = ['HTTP/1.1 200 OK', 'Content-Type: text/html', `Content-Length: ${PORTAL_PAGE.length}`]
      client.end(`${head.join('\r\n')}\r\nConnection: close\r\n\r\n${PORTAL_PAGE}`)
    })
  }

  const server = createServer((client) => {
    if (portal) {
      welcome(client)
      return
    }
    const upstream = connect(Number(target.port), target.hostname)
    const pair = [client, upstream] as const
    pairs.add(pair)
    let touched = Date.now()
    const idle = setInterval(() => {
      if (Date.now() - touched < network.idleMs) return
      idleCuts += 1
      for (const socket of pair) socket.destroy()
    }, SLICE_MS)
    const touch = (): void => {
      touched = Date.now()
    }
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        clearInterval(idle)
        pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
    carry(client, upstream, network, touch)
    carry(upstream, client, network, touch)
  })

  const network: RoughNetwork = {
    get origin() {
      // A server that listens on a port has such an address.
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
    bytesPerSecond: Number.POSITIVE_INFINITY,
    get portal() {
      return portal
    },
    set portal(now) {
      portal = now
      cutAll()
    },
    idleMs: Number.POSITIVE_INFINITY,
    get idleCuts() {
      return idleCuts
    },
    close() {
      cutAll()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return network
}

/** Passes on what comes, at the network's pace; what waits makes the sender wait, as on a real link. */
function carry(from: Socket, to: Socket, network: RoughNetwork, touch: () => void): void {
  let waiting = Buffer.alloc(0)
  let timer: NodeJS.Timeout | undefined

  const pass = (): void => {
    timer = undefined
    const size = Math.min(waiting.length, Math.max(1, (network.bytesPerSecond * SLICE_MS) / 1_000))
    to.write(waiting.subarray(0, size))
    waiting = waiting.subarray(size)
    touch()
    if (waiting.length > 0) timer = setTimeout(pass, SLICE_MS)
    else from.resume()
  }

  from.on('data', (data: Buffer) => {
    waiting = Buffer.concat([waiting, data])
    from.pause()
    if (!timer) pass()
  })
  from.on('close', () => clearTimeout(timer))
  from.on('end', () => to.end())
}
