import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StorageError } from '@dustlayer/protocol'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { createLogger } from './log.js'
import { createServer } from './server.js'
import { withTempDir } from './testing/temp-dir.js'
import { connect } from './testing/test-client.js'
import { startTestServer } from './testing/test-server.js'

const T = 'store:acme/t'

describe('start', () => {
  it('refuses options that it does not know, with the name that was meant', async () => {
    const misspelt = { dataDir: 'x', orgins: ['*'] } as never
    await expect(createServer(misspelt)).rejects.toThrow('Unknown option "orgins". Did you mean "origins"?')
    await expect(createServer({} as never)).rejects.toThrow('"dataDir" is missing')
    await expect(createServer({ dataDir: 'x', maxKeys: -1 })).rejects.toThrow(
      '"maxKeys" is a whole number from 0',
    )
    await expect(createServer({ dataDir: 'x', idleTimeoutMs: 0 })).rejects.toThrow('idle timeout')
  })

  it('a data directory has one server at a time', async () => {
    await withTempDir(async (dataDir) => {
      const server = await createServer({ dataDir })
      await expect(createServer({ dataDir })).rejects.toThrow(StorageError)
      await server.close()
      await (await createServer({ dataDir })).close()
    })
  })

  it('refuses files of a newer version, and says which', async () => {
    await withTempDir(async (dataDir) => {
      const catalog = new Database(join(dataDir, 'catalog.db'))
      catalog.pragma('user_version = 99')
      catalog.close()
      await expect(createServer({ dataDir })).rejects.toThrow(/catalog\.db has schema version 99/)
    })
  })

  it('a store whose file is damaged cannot be joined; the others can', async () => {
    const world = await startTestServer()
    try {
      world.server.createStore('acme/broken')
      const dir = join(world.dataDir, 'stores/acme')
      mkdirSync(dir, { recursive: true })
      writeFileSync(join(dir, 'broken.db'), 'this is no database, and long enough to look at'.repeat(100))
      const client = await world.connect()
      expect(await client.join('store:acme/broken')).toMatchObject({ status: 'error' })
      expect((await client.join(T)).status).toBe('ok')
    } finally {
      await world.close()
    }
  })

  it('survives a catalog that fails, and says that it is not ready', async () => {
    const world = await startTestServer()
    try {
      const client = await world.connect()
      const catalog = new Database(join(world.dataDir, 'catalog.db'))
      catalog.exec('DROP TABLE tokens; DROP TABLE stores')
      catalog.close()
      await expect(world.connect()).rejects.toThrow('500')
      client.send([null, '1', 'phoenix', 'heartbeat', {}])
      expect((await client.closed).code, 'not 1011, which blames what the client has sent').toBe(1013)
      expect((await fetch(`${world.server.httpUrl}/readyz`)).status).toBe(503)
      expect((await fetch(`${world.server.httpUrl}/healthz`)).status).toBe(200)
    } finally {
      await world.close()
    }
  })

  it('fails when the port is taken, and leaves nothing behind', async () => {
    await withTempDir(async (dir) => {
      const first = await createServer({ dataDir: join(dir, 'a') })
      const port = Number(new URL(first.httpUrl).port)
      await expect(createServer({ dataDir: join(dir, 'b'), port })).rejects.toThrow('EADDRINUSE')
      await (await createServer({ dataDir: join(dir, 'b') })).close()
      await first.close()
    })
  })
})

describe('stop', () => {
  it('answers what has arrived, then closes connections with 1001; what was acknowledged is there after it', async () => {
    const world = await startTestServer()
    try {
      const client = await world.connect()
      await client.join(T)
      const replies = Array.from({ length: 50 }, (_, i) =>
        client.write(T, { op: 'increment', path: 'n', value: 1, client_op_id: `o${i}` }),
      )
      await replies[0]
      const acknowledged = Promise.all(replies)
      // None of the writes may be refused; one that came too late stays without an answer.
      acknowledged.catch(() => {})
      await world.server.close()
      expect((await client.closed).code).toBe(1001)
      const seqs = client.frames.filter((frame) => frame[3] === 'phx_reply').map((frame) => frame[4].status)
      expect(new Set(seqs)).toEqual(new Set(['ok']))
      await world.restart()
      const again = await world.connect()
      expect((await again.join(T)).response.store_seq).toBe(seqs.length - 1)
    } finally {
      await world.close()
    }
  })

  it('can be asked twice', async () => {
    await withTempDir(async (dataDir) => {
      const server = await createServer({ dataDir })
      await Promise.all([server.close(), server.close()])
    })
  })

  it('does not wait for a peer that does not answer', async () => {
    await withTempDir(async (dataDir) => {
      const server = await createServer({ dataDir, dev: true })
      const client = await connect({ url: server.url, token: server.dev?.token ?? '' })
      client.ws.pause()
      await server.close()
      client.close()
    })
  })
})

describe('development mode', () => {
  it('a join creates the store it names, in the organization dev only', async () => {
    await withTempDir(async (dataDir) => {
      const server = await createServer({ dataDir, dev: true })
      const client = await connect({ url: server.url, token: server.dev?.token ?? '' })
      expect((await client.join('store:dev/new')).status).toBe('ok')
      expect(server.listStores().map(({ org, name }) => `${org}/${name}`)).toEqual(['dev/main', 'dev/new'])
      for (const topic of ['store:acme/new', 'store:dev/NEW', 'store:dev/a/b', 'store:dev/']) {
        expect((await client.join(topic)).response.reason).toBe('unauthorized')
      }
      server.archiveStore('dev/new')
      expect((await client.join('store:dev/new')).response.reason).toBe('unauthorized')
      client.close()
      await server.close()
    })
  })
})

describe('stores that expire', () => {
  it('L31 take no writes and no joins by name from then on', async () => {
    const world = await startTestServer()
    try {
      world.server.createStore('acme/brief', { expiresAt: Date.now() - 1 })
      const client = await world.connect()
      expect((await client.join('store:acme/brief')).response.reason).toBe('unauthorized')
      expect(world.server.hub.archiveExpired().map(({ name }) => name)).toEqual(['brief'])
      expect(world.server.listStores().find(({ name }) => name === 'brief')?.status).toBe('archived')
    } finally {
      await world.close()
    }
  })
})

describe('logs', () => {
  it('hold no token, whatever happens', async () => {
    const lines: string[] = []
    const logger = createLogger({ write: (line) => lines.push(line), form: 'json', level: 'debug' })
    const world = await startTestServer({ logger })
    const token = world.token()
    const client = await world.connect({ token })
    await client.join(T)
    client.sendRaw('nonsense')
    await client.closed
    await connect({ url: world.server.url, token: `${token}x` }).catch(() => {})
    await world.close()
    expect(lines.length).toBeGreaterThan(3)
    expect(lines.every((line) => JSON.parse(line).level)).toBe(true)
    expect(lines.join('\n')).not.toContain('dust_tok_')
  })
})
