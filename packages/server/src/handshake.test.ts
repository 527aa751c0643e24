import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { startTestServer, type TestServer } from './testing/test-server.js'

let world: TestServer
let token: string
beforeAll(async () => {
  world = await startTestServer({ origins: ['https://app.example.com'] })
  token = world.token()
})
afterAll(() => world.close())

const full = () => ({ token, device_id: 'd', capver: '3', vsn: '2.0.0' })

interface Attempt {
  readonly status: number
  readonly body: string
  readonly headers: { readonly [name: string]: unknown }
}

/** Opens a WebSocket and tells how the server answered the handshake. */
function attempt(
  query: { [name: string]: string },
  headers: { [name: string]: string } = {},
): Promise<Attempt> {
  const ws = new WebSocket(`${world.server.url}/websocket?${new URLSearchParams(query)}`, { headers })
  return new Promise((resolve, reject) => {
    ws.on('upgrade', (response) => {
      resolve({ status: response.statusCode ?? 0, body: '', headers: response.headers })
      ws.terminate()
    })
    ws.on('unexpected-response', (_, response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }))
    })
    ws.on('error', (error) => {
      // Terminating right after the upgrade is no failure of the server.
      if (ws.readyState !== WebSocket.CLOSING) reject(error)
    })
  })
}

const without = (name: string) => Object.fromEntries(Object.entries(full()).filter(([key]) => key !== name))

describe('handshake', () => {
  it('A01 A07 A09 A10 accepts valid parameters without subprotocol or compression', async () => {
    for (const change of [{}, { capver: '4' }, { vsn: '2.0.1' }, { vsn: '3.0.0' }, { device_id: '' }]) {
      const { status, headers } = await attempt({ ...full(), ...change })
      expect(status, JSON.stringify(change)).toBe(101)
      expect(headers['sec-websocket-protocol']).toBeUndefined()
      expect(headers['sec-websocket-extensions']).toBeUndefined()
    }
  })

  it('A04 an empty device id is echoed in events', async () => {
    const client = await world.connect({ deviceId: '' })
    await client.join('store:acme/t')
    await client.write('store:acme/t', { op: 'set', path: 'a', value: 1, client_op_id: 'o' })
    expect(client.events()[0]?.device_id).toBe('')
  })

  it.each([
    ['A02 no token', () => without('token')],
    ['A03 no device_id', () => without('device_id')],
    ['A05 capver 2', () => ({ ...full(), capver: '2' })],
    ['A06 no capver', () => without('capver')],
    ['A06 capver abc', () => ({ ...full(), capver: 'abc' })],
    ['A06 capver 3x', () => ({ ...full(), capver: '3x' })],
    ['A08 no vsn', () => without('vsn')],
    ['A08 vsn 1.0.0', () => ({ ...full(), vsn: '1.0.0' })],
    ['A08 vsn 9', () => ({ ...full(), vsn: '9' })],
    ['A08 vsn x', () => ({ ...full(), vsn: 'x' })],
    ['A11 vsn 3.0.1', () => ({ ...full(), vsn: '3.0.1' })],
    ['A12 an unknown token', () => ({ ...full(), token: `dust_tok_${'x'.repeat(43)}` })],
    ['A12 a token without the prefix', () => ({ ...full(), token: 'x' })],
  ])('%s is refused with 403 and an empty body', async (_, query) => {
    expect(await attempt(query())).toMatchObject({ status: 403, body: '' })
  })

  it('A12 refuses revoked and expired tokens', async () => {
    const revoked = world.server.createToken({ stores: ['acme/*'], scopes: ['entries:read'] })
    expect(world.server.revokeToken(revoked.id)).toBe(true)
    expect(world.server.revokeToken(revoked.id)).toBe(false)
    const expired = world.server.createToken({
      stores: ['acme/*'],
      scopes: ['entries:read'],
      expiresAt: Date.now() - 1,
    })
    for (const { token } of [revoked, expired]) expect((await attempt({ ...full(), token })).status).toBe(403)
  })

  it('a token that is revoked while connected ends the connection at the next push', async () => {
    const { id, token } = world.server.createToken({
      stores: ['acme/*'],
      scopes: ['entries:read', 'entries:write'],
    })
    const client = await world.connect({ token })
    await client.join('store:acme/t')
    world.server.revokeToken(id)
    client.send(['1', '9', 'store:acme/t', 'write', { op: 'set', path: 'no', value: 1, client_op_id: 'r' }])
    expect((await client.closed).code).toBe(1008)
    expect(world.server.hub.find('acme/t')).toBeDefined()
  })

  it('A13 answers POST with 400', async () => {
    const response = await fetch(`${world.server.httpUrl}/ws/sync/websocket?${new URLSearchParams(full())}`, {
      method: 'POST',
    })
    expect([response.status, await response.text()]).toEqual([400, ''])
  })

  it('checks the Origin of browsers', async () => {
    const own = world.server.httpUrl
    for (const origin of [own, 'https://app.example.com'])
      expect((await attempt(full(), { origin })).status).toBe(101)
    for (const origin of ['https://evil.example', 'null', 'http://localhost:1']) {
      expect(await attempt(full(), { origin })).toMatchObject({ status: 403, body: '' })
    }
  })

  it('refuses an upgrade of another path', async () => {
    const { port } = new URL(world.server.httpUrl) as unknown as AddressInfo
    const status = await new Promise((resolve) => {
      request({ port, path: '/other', headers: { connection: 'upgrade', upgrade: 'websocket' } })
        .on('response', (response) => resolve(response.statusCode))
        .end()
    })
    expect(status).toBe(404)
  })
})

describe('probe: a plain GET of the socket URL tells why a handshake is refused', () => {
  const probe = async (query: { [name: string]: string }, origin = 'https://app.example.com') => {
    const url = `${world.server.httpUrl}/ws/sync/websocket?${new URLSearchParams(query)}`
    const response = await fetch(url, { headers: { origin } })
    const cors = response.headers.get('access-control-allow-origin')
    return [response.status, await response.json(), cors]
  }
  const allowed = 'https://app.example.com'

  it('answers 426 when the handshake would succeed, else 403 with the reason', async () => {
    expect(await probe(full())).toEqual([426, { ok: true }, allowed])
    expect(await probe({ ...full(), token: 'x' })).toEqual([403, { reason: 'bad_token' }, allowed])
    expect(await probe({ ...full(), vsn: '1.0.0' })).toEqual([403, { reason: 'bad_version' }, allowed])
    expect(await probe({ ...full(), capver: '2' })).toEqual([403, { reason: 'bad_version' }, allowed])
    expect(await probe(without('token'))).toEqual([403, { reason: 'missing_parameter' }, allowed])
    expect(await probe(full(), 'https://evil.example')).toEqual([403, { reason: 'bad_origin' }, null])
  })
})
