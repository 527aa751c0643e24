import { afterEach, expect, it } from 'vitest'
import { openCatalog } from './sqlite/catalog-file.js'
import { createFakeClock } from './testing/fake-clock.js'
import { startTestServer, type TestServer } from './testing/test-server.js'

const T = 'store:acme/t'
let world: TestServer
afterEach(() => world.close())

const open = async (options: Parameters<typeof startTestServer>[0] = {}) => {
  world = await startTestServer(options)
}
const joined = async (expiresAt?: number) => {
  const { id, token } = world.server.createToken({
    stores: ['acme/*'],
    scopes: ['entries:read', 'entries:write'],
    ...(expiresAt !== undefined && { expiresAt }),
  })
  const client = await world.connect({ token, deviceId: `device of ${id}` })
  await client.join(T)
  await client.caughtUp(T)
  return { id, token, client }
}
const CLOSED = { code: 1008, reason: 'the token is no longer valid' }
const refusedWith = (token: string) => expect(world.connect({ token })).rejects.toThrow('403')

it('a token that is revoked in the running server ends its connections at once, and no others', async () => {
  await open()
  const [revoked, other] = [await joined(), await joined()]
  expect(world.server.revokeToken(revoked.id)).toBe(true)
  expect(await revoked.client.closed).toEqual(CLOSED)
  await refusedWith(revoked.token)
  const op = { op: 'set', path: 'a', value: 1, client_op_id: 'o' }
  expect((await other.client.write(T, op)).status).toBe('ok')
  expect(revoked.client.events(), 'no event after the revocation').toEqual([])
})

it('a peer that only listens is found out when its token is revoked by another process', async () => {
  await open({ idleTimeoutMs: 2_000 })
  const { id, token, client } = await joined()
  // What `dust-server token revoke` does.
  const catalog = openCatalog(world.dataDir)
  catalog.tokens.revoke(id, Date.now())
  catalog.close()
  expect(await client.closed).toEqual(CLOSED)
  await refusedWith(token)
})

it('writes of a token that was revoked or has run out are not carried out', async () => {
  const clock = createFakeClock()
  await open({ clock, idleTimeoutMs: 1e9 })
  const expiring = await joined(clock.now() + 1_000)
  const other = await joined()
  clock.advance(1_000)
  expiring.client.send(['1', '9', T, 'write', { op: 'set', path: 'late', value: 1, client_op_id: 'late' }])
  expect(await expiring.client.closed).toEqual(CLOSED)
  const { response } = await other.client.push(T, 'status', {})
  expect(response.current_seq).toBe(0)
})
