import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SCOPES, type Scope } from '../scope.js'
import { createServer, type DustServer, type ServerOptions } from '../server.js'
import { connect, type TestClient, type TestClientOptions } from './test-client.js'

/** A server on a free port with a data directory of its own, and what tests need around it. */
export interface TestServer {
  readonly server: DustServer
  readonly dataDir: string
  /** A token for all stores of `acme` with these scopes, all unless given. */
  token(scopes?: readonly Scope[]): string
  /** Connects with a token for everything unless one is given. */
  connect(options?: Partial<TestClientOptions>): Promise<TestClient>
  /** Stops the server and starts another on the same data. */
  restart(options?: Partial<ServerOptions>): Promise<void>
  close(): Promise<void>
}

/** Starts a server with the store `acme/t`. */
export async function startTestServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'dust-server-'))
  let server = await createServer({ dataDir, ...options })
  server.createStore('acme/t')
  const clients = new Set<TestClient>()
  const token = (scopes: readonly Scope[] = SCOPES) =>
    server.createToken({ stores: ['acme/*'], scopes }).token
  const everything = token()
  const stop = async () => {
    for (const client of clients) client.close()
    clients.clear()
    await server.close()
  }
  return {
    get server() {
      return server
    },
    dataDir,
    token,
    async connect(given = {}) {
      const client = await connect({ url: server.url, token: everything, ...given })
      clients.add(client)
      return client
    },
    async restart(changed = {}) {
      await stop()
      server = await createServer({ dataDir, ...options, ...changed })
    },
    async close() {
      await stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
