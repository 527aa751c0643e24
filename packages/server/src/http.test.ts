import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createServer } from './server.js'
import { withTempDir } from './testing/temp-dir.js'

describe('health', () => {
  it('L30 answers healthz and readyz without a token', async () => {
    await withTempDir(async (dataDir) => {
      const server = await createServer({ dataDir })
      const get = async (path: string) => {
        const response = await fetch(server.httpUrl + path)
        return [response.status, await response.json()]
      }
      expect(await get('/healthz')).toEqual([200, { status: 'ok' }])
      expect(await get('/readyz')).toEqual([200, { status: 'ok', checks: { database: 'ok' } }])
      expect(await get('/nothing')).toEqual([404, { error: 'not_found' }])
      expect(await get('/dust.json'), 'only in development mode').toEqual([404, { error: 'not_found' }])
      await server.close()
    })
  })
})

describe('static app', () => {
  it('serves files with their types and cache rules, and nothing outside of the directory', async () => {
    await withTempDir(async (dir) => {
      const app = join(dir, 'app')
      mkdirSync(join(app, 'assets'), { recursive: true })
      writeFileSync(join(dir, 'secret.txt'), 'secret')
      const files = {
        'index.html': '<h1>hello</h1>',
        'sw.js': '1',
        'app.webmanifest': '{}',
        'assets/index-B3xK9_aQ.js': '2',
        'assets/sqlite3.wasm': 'wasm',
      }
      for (const [name, content] of Object.entries(files)) writeFileSync(join(app, name), content)
      const server = await createServer({ dataDir: join(dir, 'data'), app })
      const get = async (path: string) => {
        const { status, headers } = await fetch(server.httpUrl + path)
        return [status, headers.get('content-type')?.split(';')[0], headers.get('cache-control')]
      }
      const forever = 'public, max-age=31536000, immutable'
      expect(await get('/')).toEqual([200, 'text/html', 'no-cache'])
      expect(await get('/index.html?x=1')).toEqual([200, 'text/html', 'no-cache'])
      expect(await get('/sw.js')).toEqual([200, 'text/javascript', 'no-cache'])
      expect(await get('/app.webmanifest')).toEqual([200, 'application/manifest+json', 'no-cache'])
      expect(await get('/assets/index-B3xK9_aQ.js')).toEqual([200, 'text/javascript', forever])
      expect(await get('/assets/sqlite3.wasm')).toEqual([200, 'application/wasm', 'no-cache'])
      for (const path of [
        '/../secret.txt',
        '/..%2fsecret.txt',
        '/assets/..%2f..%2fsecret.txt',
        '/%',
        '/missing',
      ]) {
        expect(await rawStatus(server.httpUrl, path), path).toBe(404)
      }
      writeFileSync(join(app, 'later.html'), 'made after the start')
      expect((await get('/later.html'))[0]).toBe(200)
      const post = await fetch(`${server.httpUrl}/`, { method: 'POST' })
      expect(post.status).toBe(404)
      await server.close()
    })
  })

  it('a directory that is not there is refused at the start, and the data directory is free again', async () => {
    await withTempDir(async (dir) => {
      const dataDir = join(dir, 'data')
      await expect(createServer({ dataDir, app: join(dir, 'none') })).rejects.toThrow('is no directory')
      await (await createServer({ dataDir })).close()
    })
  })
})

describe('development mode', () => {
  it('hands the token out to pages of this machine only', async () => {
    await withTempDir(async (dataDir) => {
      const server = await createServer({ dataDir, dev: true })
      const { port } = new URL(server.httpUrl)
      const get = (headers: { [name: string]: string }) => rawGet(server.httpUrl, '/dust.json', headers)
      const expected = { url: server.url, store: 'dev/main', token: server.dev?.token }
      expect(JSON.parse((await get({})).body)).toEqual(expected)
      const other = await get({ origin: 'http://localhost:5173' })
      expect([other.status, other.headers['access-control-allow-origin']]).toEqual([
        200,
        'http://localhost:5173',
      ])
      expect((await get({ host: `localhost:${port}` })).status).toBe(200)
      for (const headers of [
        { origin: 'https://evil.example' },
        { host: 'evil.example' },
        { host: `evil.example:${port}`, origin: `http://evil.example:${port}` },
        { 'sec-fetch-site': 'cross-site' },
      ]) {
        const { status, body } = await get(headers)
        expect([status, body], JSON.stringify(headers)).toEqual([403, '{"error":"forbidden"}'])
      }
      await server.close()
    })
  })

  it('keeps its token across restarts, and makes another when that one was revoked', async () => {
    await withTempDir(async (dataDir) => {
      const tokens: (string | undefined)[] = []
      for (let i = 0; i < 3; i++) {
        const server = await createServer({ dataDir, dev: true })
        tokens.push(server.dev?.token)
        if (i === 1) for (const { id } of server.listTokens()) server.revokeToken(id)
        await server.close()
      }
      expect(tokens[0]).toMatch(/^dust_tok_[\w-]{43}$/)
      expect(tokens[1]).toBe(tokens[0])
      expect(tokens[2]).not.toBe(tokens[0])
    })
  })
})

interface RawResponse {
  readonly status: number
  readonly headers: { readonly [name: string]: unknown }
  readonly body: string
}

/** fetch tidies paths up and sets Host itself; this does neither. */
function rawGet(base: string, path: string, headers: { [name: string]: string } = {}): Promise<RawResponse> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, headers }, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

const rawStatus = async (base: string, path: string) => (await rawGet(base, path)).status
