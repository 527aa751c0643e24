import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestClient } from './testing/test-client.js'
import { startTestServer, type TestServer } from './testing/test-server.js'

const T = 'store:acme/t'
const HASH = 'sha256:8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4'

let world: TestServer
let client: TestClient
beforeAll(async () => {
  world = await startTestServer()
  client = await world.connect()
  await client.join(T)
})
afterAll(() => world.close())

let ops = 0
const putFile = (fields: { [name: string]: unknown }, peer = client) =>
  peer.push(T, 'put_file', { path: 'img', content: 'aGk=', client_op_id: `f${++ops}`, ...fields } as never)

const download = (hash: string, token?: string) =>
  fetch(
    `${world.server.httpUrl}/api/files/${hash}`,
    token ? { headers: { authorization: `Bearer ${token}` } } : {},
  )

describe('put_file', () => {
  it('K01 stores the bytes, and the entry and the event carry the envelope', async () => {
    const reply = await putFile({ filename: 'a.txt', content_type: 'text/plain' })
    expect(reply).toEqual({ status: 'ok', response: { store_seq: 1, hash: HASH } })
    expect(client.events().at(-1)).toMatchObject({
      op: 'put_file',
      value: { _type: 'file', hash: HASH, size: 2, content_type: 'text/plain', filename: 'a.txt' },
    })
    expect(client.events().at(-1)?.value).toMatchObject({
      uploaded_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    })
    expect(readdirSync(join(world.dataDir, 'blobs/8f/43'))).toEqual([HASH])
  })

  it.each([
    ['K02', { content: 'aGk' }, 'invalid_base64'],
    ['K02', { content: 'a-_=' }, 'invalid_base64'],
    ['K02', { content: null }, 'invalid_base64'],
    ['K03', { path: null }, 'missing_path'],
    ['K03', { path: 5 }, 'invalid_path'],
    ['K03', { path: 'a//b' }, 'empty_segment'],
    ['no op id', { client_op_id: null }, 'missing_client_op_id'],
    ['a header in the content type', { content_type: 'a\r\nb: c' }, 'invalid_content_type'],
    ['an odd file name', { filename: {} }, 'invalid_filename'],
  ])('%s refuses %j', async (_, fields, reason) => {
    expect(await putFile(fields)).toEqual({ status: 'error', response: { reason } })
  })

  it('K04 needs files:write, and nothing else does', async () => {
    const writer = await world.connect({ token: world.token(['entries:read', 'entries:write']) })
    await writer.join(T)
    expect((await putFile({}, writer)).response).toMatchObject({
      reason: 'missing_scope',
      scope: 'files:write',
    })
    const uploader = await world.connect({ token: world.token(['entries:read', 'files:write']) })
    await uploader.join(T)
    expect((await putFile({}, uploader)).status).toBe('ok')
  })

  it('K05 takes path_segments alone', async () => {
    expect((await putFile({ path: undefined, path_segments: ['by', 'segments'] })).status).toBe('ok')
    expect(client.events().at(-1)?.path).toBe('by/segments')
  })

  it('says so when the bytes cannot be kept, and the topic goes on', async () => {
    const blobs = join(world.dataDir, 'blobs')
    renameSync(blobs, `${blobs}-away`)
    writeFileSync(blobs, 'in the way')
    const content = Buffer.from('new').toString('base64')
    expect((await putFile({ content })).response).toMatchObject({ reason: 'storage_failed' })
    rmSync(blobs)
    renameSync(`${blobs}-away`, blobs)
    expect((await putFile({ content })).status).toBe('ok')
  })
})

describe('download', () => {
  it('L28 gives the bytes to a token that may read them, and 403 otherwise', async () => {
    await putFile({ filename: 'naïve "x".txt', content_type: 'text/html', content: 'PGI+' })
    const hash = String(((await putFile({ content: 'PGI+' })).response as { hash: string }).hash)
    const response = await download(hash, world.token(['files:read']))
    expect([response.status, await response.text()]).toEqual([200, '<b>'])
    expect(response.headers.get('content-type'), 'of the first upload').toBe('text/html')
    expect(response.headers.get('content-disposition')).toContain("filename*=UTF-8''na%C3%AFve")
    expect(response.headers.get('content-security-policy')).toBe('sandbox')
    expect((await download(hash)).status).toBe(401)
    expect((await download(hash, 'dust_tok_x')).status).toBe(401)
    expect((await download(hash, world.token(['entries:read']))).status).toBe(403)
    for (const odd of [`sha256:${'0'.repeat(64)}`, '..%2f..%2fcatalog.db', '%', '']) {
      expect((await download(odd, world.token(['files:read']))).status, odd).toBe(403)
    }
  })

  it('a hash that was set without an upload gives access to nothing', async () => {
    world.server.createStore('other/t')
    const { token } = world.server.createToken({
      stores: ['other/*'],
      scopes: ['entries:read', 'entries:write', 'files:read'],
    })
    const stranger = await world.connect({ token })
    await stranger.join('store:other/t')
    const value = {
      _type: 'file',
      hash: HASH,
      size: 2,
      content_type: 'text/plain',
      filename: null,
      uploaded_at: 'x',
    }
    await stranger.write('store:other/t', { op: 'set', path: 'stolen', value, client_op_id: 'x' })
    expect((await download(HASH, token)).status).toBe(403)
  })

  it('a file that no entry refers to any more cannot be had', async () => {
    const { response } = await putFile({ path: 'gone', content: 'Z29uZQ==' })
    const hash = String(response.hash)
    expect((await download(hash, world.token())).status).toBe(200)
    await client.write(T, { op: 'delete', path: 'gone', client_op_id: `f${++ops}` })
    expect((await download(hash, world.token())).status).toBe(403)
    expect(existsSync(join(world.dataDir, 'blobs'))).toBe(true)
  })
})

describe('status', () => {
  it('K14 has all fields, and the newest ops first', async () => {
    world.server.createStore('acme/status', { expiresAt: Date.UTC(2100, 0, 1) })
    const topic = 'store:acme/status'
    await client.join(topic)
    for (let i = 1; i <= 7; i++) {
      await client.write(topic, { op: 'set', path: `k${i}`, value: i, client_op_id: `s${i}` })
    }
    world.server.compact('acme/status')
    await client.write(topic, { op: 'delete', path: 'k1', client_op_id: 's8' })
    const { status, response } = await client.push(topic, 'status', {})
    expect(status).toBe('ok')
    expect(response).toEqual({
      current_seq: 8,
      entry_count: 6,
      op_count: 1,
      file_storage_bytes: 0,
      db_size_bytes: expect.any(Number),
      expires_at: '2100-01-01T00:00:00.000Z',
      permissions: { read: true, write: true },
      scopes: expect.arrayContaining(['entries:read']),
      store_access: { mode: 'all', store_ids: [] },
      latest_snapshot_seq: 7,
      latest_snapshot_at: expect.stringMatching(/Z$/),
      recent_ops: [
        { store_seq: 8, op: 'delete', path: 'k1', inserted_at: expect.stringMatching(/\.\d{3}Z$/) },
      ],
    })
  })

  it('tells of the writes that were sent before it on the same connection', async () => {
    client.send(['1', 'w', T, 'write', { op: 'set', path: 'a', value: 1, client_op_id: 'before-status' }])
    const before = client.events().length
    const { response } = await client.push(T, 'status', {})
    expect(client.events().length).toBe(before + 1)
    expect(response.current_seq).toBe(client.events().at(-1)?.store_seq)
    expect(response.file_storage_bytes).toBe(5)
  })
})
