import { join } from 'node:path'
import { EXTENSIONS } from '@dustlayer/protocol'
import Database from 'better-sqlite3'
import { afterEach, expect, it } from 'vitest'
import type { Scope } from './scope.js'
import { createFakeClock } from './testing/fake-clock.js'
import { startTestServer, type TestServer } from './testing/test-server.js'

const T = 'store:acme/t'
const OTHER = 'store:acme/other'
const ALL = { extensions: [...EXTENSIONS], incarnation: null }
const WRITE = { op: 'set', path: 'a', value: 1 }
const CLOSED = { code: 1008, reason: 'the token is no longer valid' }

let world: TestServer
afterEach(() => world.close())

const issue = (options: { stores?: string[]; scopes?: Scope[]; expiresAt?: number } = {}) => {
  const { stores = ['acme/*'], scopes = ['entries:read', 'entries:write'], expiresAt } = options
  return world.server.createToken({ stores, scopes, ...(expiresAt !== undefined && { expiresAt }) })
}
const connect = async (token: string, topics: readonly string[] = [T]) => {
  const client = await world.connect({ token })
  for (const topic of topics) await client.join(topic, 0, ALL)
  return client
}

it('C22 a new token takes the place of one that runs out, and the connection goes on', async () => {
  const clock = createFakeClock()
  world = await startTestServer({ clock, idleTimeoutMs: 1e9 })
  const old = issue({ expiresAt: clock.now() + 1_000 })
  const client = await connect(old.token)
  const { status, response } = await client.push(T, 'reauth', { token: issue().token })
  expect([status, response]).toEqual([
    'ok',
    {
      permissions: { read: true, write: true },
      scopes: ['entries:read', 'entries:write'],
      store_access: { mode: 'all', store_ids: [] },
    },
  ])
  clock.advance(60_000)
  expect((await client.write(T, { ...WRITE, client_op_id: 'late' })).status).toBe('ok')
})

it('the connection ends when the new token is revoked, not when the old one is', async () => {
  world = await startTestServer()
  const [old, next] = [issue(), issue()]
  const client = await connect(old.token)
  await client.push(T, 'reauth', { token: next.token })
  world.server.revokeToken(old.id)
  expect((await client.write(T, { ...WRITE, client_op_id: 'o1' })).status).toBe('ok')
  world.server.revokeToken(next.id)
  expect(await client.closed).toEqual(CLOSED)
})

it('a token that is no good changes nothing', async () => {
  world = await startTestServer()
  const client = await connect(issue().token)
  for (const token of ['dust_tok_unknown', '', 7, null]) {
    const { status, response } = await client.push(T, 'reauth', { token })
    expect([status, response.reason]).toEqual(['error', 'unauthorized'])
  }
  expect((await client.write(T, { ...WRITE, client_op_id: 'o' })).status).toBe('ok')
})

it('what the new token may not do is refused from then on, on all topics', async () => {
  world = await startTestServer()
  world.server.createStore('acme/other')
  const client = await connect(issue().token, [T, OTHER])
  const { response } = await client.push(T, 'reauth', { token: issue({ scopes: ['entries:read'] }).token })
  expect(response.permissions).toEqual({ read: true, write: false })
  for (const topic of [T, OTHER]) {
    const refused = await client.write(topic, { ...WRITE, client_op_id: `o ${topic}` })
    expect(refused.response).toMatchObject({ reason: 'missing_scope', scope: 'entries:write' })
  }
})

it('topics that the new token does not open are closed, and the others go on', async () => {
  world = await startTestServer()
  world.server.createStore('acme/other')
  const client = await connect(issue().token, [T, OTHER])
  const narrow = issue({ stores: ['acme/t'] }).token
  const refused = await client.push(OTHER, 'reauth', { token: narrow })
  expect(refused.response.reason).toBe('store_not_allowed')
  await client.push(T, 'reauth', { token: narrow })
  expect((await client.write(T, { ...WRITE, client_op_id: 'o1' })).status).toBe('ok')
  const gone = await client.write(OTHER, { ...WRITE, client_op_id: 'o2' })
  expect(gone.response).toEqual({ reason: 'unmatched topic' })
  const again = await client.join(OTHER, 0, ALL)
  expect(again.response.reason).toBe('store_not_allowed')
})

it('M06 a join that did not ask for it may not send it', async () => {
  world = await startTestServer()
  const client = await world.connect({ token: issue().token })
  await client.join(T)
  const { status, response } = await client.push(T, 'reauth', { token: issue().token })
  expect([status, response.reason]).toEqual(['error', 'unknown event'])
})

it('a device that cannot be noted has its new token all the same', async () => {
  world = await startTestServer()
  const client = await connect(issue().token)
  const catalog = new Database(join(world.dataDir, 'catalog.db'))
  catalog.exec('DROP TABLE devices')
  catalog.close()
  expect((await client.push(T, 'reauth', { token: issue().token })).status).toBe('ok')
  expect((await client.write(T, { ...WRITE, client_op_id: 'o1' })).status).toBe('ok')
})
