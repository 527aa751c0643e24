import { randomUUID } from 'node:crypto'
import { expect, test } from '@playwright/test'
import type { Frame, FramePayload } from './support/link.js'
import { connectRaw, type RawClient } from './support/raw-client.js'
import { startServer } from './support/server.js'

// All that clients of the reference system know (spec/wire.md §3, §9). Several of them crash on anything else.
const EVENTS = ['phx_reply', 'phx_error', 'phx_close', 'event', 'snapshot', 'catch_up_complete']
const OPS = ['set', 'delete', 'merge', 'increment', 'add', 'remove', 'put_file', 'lease', 'renew', 'release']

function expectKnown([joinRef, ref, , event, payload]: Frame): void {
  expect(EVENTS).toContain(event)
  if (event === 'event') {
    expect(OPS).toContain(payload.op)
    expect(typeof payload.path).toBe('string')
    expect(Number.isSafeInteger(payload.store_seq)).toBe(true)
    if (payload.op === 'merge') expect(isMap(payload.value)).toBe(true)
  }
  if (event === 'phx_reply') {
    expect(['ok', 'error']).toContain(payload.status)
    expect(isMap(payload.response)).toBe(true)
    if (payload.status === 'error') {
      expect(typeof (payload.response as FramePayload).reason).toBe('string')
    }
  }
  // The Elixir client asserts it, and crashes on a close without refs (spec/wire.md §14.1).
  if (event === 'phx_error' || event === 'phx_close') {
    expect(ref).toBe(joinRef)
    expect(typeof ref).toBe('string')
  }
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

test('M06 the server sends no events and no ops but the known ones', async () => {
  const server = await startServer()
  const clients: RawClient[] = []
  const connect = async (deviceId: string) => {
    const client = await connectRaw(server, deviceId)
    clients.push(client)
    await client.push('phx_join', { last_store_seq: 0 })
    return client
  }
  try {
    const bystander = await connect('bystander')
    const writer = await connect('writer')
    const write = (payload: FramePayload) => writer.push('write', { client_op_id: randomUUID(), ...payload })

    for (const op of [
      { op: 'set', path: 'users/alice', value: { name: 'Alice', roles: ['admin'] } },
      { op: 'set', path: 'price', value: { _typed: '29.990', _type: 'decimal' } },
      { op: 'set', path: 'when', value: { _typed: '2026-04-01T12:00:00+02:00', _type: 'datetime' } },
      { op: 'set', path: 'nothing', value: null },
      { op: 'merge', path: 'users/alice', value: { role: 'superadmin' } },
      { op: 'increment', path: 'n', value: 2 },
      { op: 'add', path: 'tags', value: 'a' },
      { op: 'remove', path: 'tags', value: 'a' },
      { op: 'delete', path: 'users/alice/name' },
    ]) {
      expect(await write(op)).toMatchObject({ status: 'ok' })
    }
    const lease = await write({ op: 'lease', path: 'lock', ttl_ms: 60_000, holder: 'me' })
    expect(lease.status).toBe('ok')
    const { token } = lease.response
    expect(await write({ op: 'renew', path: 'lock', ttl_ms: 60_000, token })).toMatchObject({ status: 'ok' })
    expect(await write({ op: 'release', path: 'lock', token })).toMatchObject({ status: 'ok' })
    expect(await write({ op: 'release', path: 'lock', token })).toMatchObject({
      response: { released: false },
    })
    const file = { path: 'img', content: 'aGk=', filename: 'hi.txt', client_op_id: randomUUID() }
    expect(await writer.push('put_file', file)).toMatchObject({ status: 'ok' })
    expect(await writer.push('rollback', { path: 'n', to_seq: 1 })).toMatchObject({ status: 'ok' })
    expect(await writer.push('rollback', { to_seq: 3 })).toMatchObject({ status: 'ok' })
    expect(await writer.push('status', {})).toMatchObject({ status: 'ok' })
    expect(await writer.push('ack_seq', { seq: 5 })).toMatchObject({ status: 'ok' })
    expect(await writer.push('heartbeat', {}, 'phoenix')).toMatchObject({ status: 'ok' })

    for (const refused of [
      { op: 'set', path: 'n', value: 1, if_match: 999 },
      { op: 'set', path: 'price', value: 1, if_absent: true },
      { op: 'set', path: 'users', value: {}, if_match: 1 },
      { op: 'set', path: 'n', value: 1, fence: { key: 'lock', token: 1 } },
      { op: 'set', path: 'a//b', value: 1 },
      { op: 'set', path: 'x', value: { '': 1 } },
      { op: 'increment', path: 'price', value: 1 },
      { op: 'merge', path: 'x', value: 1 },
      { op: 'nope', path: 'x', value: 1 },
      { op: 'put_file', path: 'x', value: {} },
    ]) {
      expect(await write(refused)).toMatchObject({ status: 'error' })
    }
    expect(await writer.push('put_file', { ...file, content: 'aGk' })).toMatchObject({ status: 'error' })
    expect(await writer.push('phx_join', { last_store_seq: 0 }, 'store:dev')).toMatchObject({
      status: 'error',
    })
    expect(await writer.push('phx_join', { last_store_seq: 0 }, 'other:x')).toMatchObject({ status: 'error' })

    // The whole log again, as a newcomer gets it, and the end of a channel.
    const newcomer = await connect('newcomer')
    await newcomer.frame(([, , , event]) => event === 'catch_up_complete')
    expect(await newcomer.push('phx_leave', {})).toMatchObject({ status: 'ok' })
    await newcomer.frame(([, , , event]) => event === 'phx_close')

    const seqs = (client: RawClient) =>
      client.frames.filter(([, , , event]) => event === 'event').map(([, , , , payload]) => payload.store_seq)
    await expect.poll(() => seqs(bystander)).toEqual(seqs(newcomer))
    // Nor does it on its way out.
    await server.stop()
    for (const client of clients) for (const frame of client.frames) expectKnown(frame)

    const ops = new Set(bystander.frames.map(([, , , , payload]) => payload.op).filter(Boolean))
    expect([...ops].sort()).toEqual([...OPS].sort())
  } finally {
    for (const client of clients) client.close()
    await server.dispose()
  }
})
