import { compareUtf8, type JsonValue, MAX_VALUE_DEPTH } from '@dustlayer/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestClient } from './testing/test-client.js'
import { startTestServer, type TestServer } from './testing/test-server.js'

const T = 'store:acme/t'

describe.each(['json', 'msgpack'] as const)('odd paths and values in %s', (format) => {
  let world: TestServer
  let client: TestClient
  let ops = 0
  beforeAll(async () => {
    world = await startTestServer()
    client = await world.connect({ format })
    await client.join(T)
  })
  afterAll(() => world.close())

  const entries = () => {
    const record = world.server.hub.find('acme/t')
    return record ? [...world.server.hub.open(record).storage.entries.scan()] : []
  }
  const set = (path: string, value: JsonValue) =>
    client.write(T, { op: 'set', path_segments: [path], value, client_op_id: `o${++ops}` })
  const nested = (depth: number): JsonValue => (depth === 0 ? 1 : [nested(depth - 1)])

  it('are stored, read back and replayed as they are', async () => {
    const deep = nested(MAX_VALUE_DEPTH - 2)
    const values: { [path: string]: JsonValue } = {
      'with\u0000null': 'a\u0000b',
      '😀': '😀\u2028\u2029',
      '\uffff': -0.5,
      ｚ: 1e308,
      '%_*?[]': '%_',
      [`long-${'x'.repeat(100_000)}`]: '',
      deep,
      file: { _type: 'file', hash: ['not', 'text'], deep: nested(MAX_VALUE_DEPTH - 3) },
      lease: { _type: 'lease', expires_at: 'never' },
    }
    for (const [path, value] of Object.entries(values)) {
      expect(await set(path, value), path.slice(0, 20)).toMatchObject({ status: 'ok' })
    }
    const paths = entries().map(({ path }) => path)
    expect(paths).toEqual(Object.keys(values).sort(compareUtf8))
    expect(Object.fromEntries(entries().map(({ path, value }) => [path, value]))).toEqual(values)
    const late = await world.connect({ format })
    await late.join(T)
    await late.caughtUp(T)
    expect(Object.fromEntries(late.events().map(({ path, value }) => [path, value]))).toEqual(values)
    expect(await set('lease', { _type: 'lease' })).toMatchObject({ status: 'ok' })
  })

  it('what cannot be stored is refused with a reason', async () => {
    const before = entries().length
    for (const value of [nested(MAX_VALUE_DEPTH + 1), { _typed: 'x', _type: 'datetime' }]) {
      const { status, response } = await set('refused', value)
      expect([status, typeof response.reason]).toEqual(['error', 'string'])
      expect(response.reason).not.toBe('storage_failed')
    }
    const lease = { op: 'lease', path: 'l', holder: nested(MAX_VALUE_DEPTH + 1) }
    expect(await client.write(T, { ...lease, client_op_id: `o${++ops}` })).toMatchObject({ status: 'error' })
    expect(entries().length).toBe(before)
  })

  it('a path that is too deep for the frames of what lies above it is refused', async () => {
    const segments = (depth: number) => Array.from({ length: depth }, () => 's')
    const file = { content: 'aGk=', client_op_id: 'file' }
    for (const push of [
      client.write(T, { op: 'set', path_segments: segments(257), value: 1, client_op_id: `o${++ops}` }),
      client.push(T, 'put_file', { ...file, path: segments(257).join('/') }),
    ]) {
      expect(await push).toEqual({ status: 'error', response: { reason: 'path_too_deep' } })
    }
    // The deepest of all, brought back in one piece by a rollback, reaches every member.
    const value = nested(1)
    const deepest = { op: 'set', path_segments: segments(256), value, client_op_id: `o${++ops}` }
    const seq = Number((await client.write(T, deepest)).response.store_seq)
    await client.write(T, { op: 'delete', path: 's', client_op_id: `o${++ops}` })
    expect(await client.push(T, 'rollback', { path: 's', to_seq: seq })).toMatchObject({ status: 'ok' })
    expect(client.events(T).at(-1)).toMatchObject({ op: 'set', path: 's' })
    expect(entries().filter(({ path }) => path.startsWith('s/s/s'))).toMatchObject([{ value }])
  })

  it('an increment cannot leave the range that every format can carry', async () => {
    expect((await set('n', 2n ** 64n - 1n)).status).toBe('ok')
    const up = await client.write(T, { op: 'increment', path: 'n', value: 1, client_op_id: `o${++ops}` })
    expect(up).toEqual({ status: 'error', response: { reason: 'increment_out_of_range' } })
  })
})
