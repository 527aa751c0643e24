import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The network between browsers and a server: bytes pass, until they don't. */
export interface Wire {
  /** The server's address, over this wire. */
  readonly url: string
  /** Breaks every connection; new ones are welcome. */
  cut(): void
  /** Breaks every connection, and new ones. */
  refuse(): void
  /** Every connection stays, and new ones are taken, and nothing comes through any more, in neither direction. */
  silence(): void
  /** All is well again. What was on its way through silent connections is lost with them. */
  restore(): void
  close(): Promise<void>
}

export async function openWire(serverUrl: string): Promise<Wire> {
  const target = new URL(serverUrl)
  const pairs = new Set<readonly [Socket, Socket]>()
  let state: 'open' | 'refusing' | 'silent' = 'open'

  const server = createServer((near) => {
    if (state === 'refusing') {
      near.destroy()
      return
    }
    const far = connect(Number(target.port), target.hostname)
    const pair = [near, far] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (bytes) => {
        if (state !== 'silent') to.write(bytes)
      })
      // A server that was killed, or a browser: the other end learns it as it would.
      from.on('error', () => to.destroy())
      from.once('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
  })
  const cut = () => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy()
      far.destroy()
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has such an address.
  const { port } = server.address() as AddressInfo
  const url = new URL(serverUrl)
  url.port = String(port)
  return {
    url: url.href,
    cut,
    refuse() {
      state = 'refusing'
      cut()
    },
    silence() {
      state = 'silent'
    },
    restore() {
      if (state === 'silent') cut()
      state = 'open'
    },
    close() {
      cut()
      return new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())))
    },
  }
}
