import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'

/** The built test page (`e2e/page`). */
export const TEST_PAGE = fileURLToPath(new URL('../page/dist', import.meta.url))

export interface PageHost {
  readonly origin: string
  close(): Promise<void>
}

/** Answers a request in place of the host, or not. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean

/**
 * Serves a built page from an origin that stays up when the Dust server goes down, as an app's own host does.
 * `headers` go on every file.
 */
export async function hostPage(
  directory: string,
  headers: Readonly<Record<string, string>> = {},
  intercept: Intercept = () => false,
): Promise<PageHost> {
  const files = sirv(directory, {
    setHeaders(response) {
      // A later server may get the same port, and must not be answered for from the browser's cache.
      response.setHeader('cache-control', 'no-store')
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    },
  })
  const server = createServer((request, response) => {
    if (!intercept(request, response)) files(request, response, () => void response.writeHead(404).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has such an address.
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections()
      return new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())))
    },
  }
}
