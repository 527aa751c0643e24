import { UnavailableError } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
let tab: WorldTab
beforeEach(() => {
  world = createTabWorld({ extensions: ['digest', 'snapshot_chunks', 'incarnation'] })
  tab = world.open()
})
afterEach(() => world.dispose())

const offline = async (): Promise<void> => {
  tab.dust.setOnline(false)
  await world.until(() => world.network.peers.every(({ open }) => !open))
}

describe('synced', () => {
  test('resolves when the server has decided what was written before, and what it had is here', async () => {
    world.server.foreign({ op: 'set', path: 'theirs', value: 1, opId: 'x' })
    const writes = [tab.dust.put(STORE, 'a', 1), tab.dust.increment(STORE, 'n')]
    await world.outcome(tab.dust.synced(STORE))
    await Promise.all(writes.map(({ committed }) => committed))
    expect(await world.outcome(tab.dust.get(STORE, 'theirs'))).toBe(1)
    expect(world.server.model.head).toBe(3)
  })

  test('waits through an outage, and keeps no other call waiting', async () => {
    await world.outcome(tab.dust.synced(STORE))
    await offline()
    const write = tab.dust.put(STORE, 'a', 1)
    const synced = tab.dust.synced(STORE)
    expect((await world.outcome(write)).opId).toMatch(/^op_/)
    expect(await world.outcome(tab.dust.get(STORE, 'a'))).toBe(1)
    let done = false
    void synced.then(() => {
      done = true
    })
    await world.pass(100)
    expect(done).toBe(false)
    tab.dust.setOnline(true)
    await world.outcome(synced)
    expect(world.server.model.get('a')?.value).toBe(1)
  })

  test('ends with its signal or its time, while the write goes on', async () => {
    await world.outcome(tab.dust.synced(STORE))
    await offline()
    const write = tab.dust.put(STORE, 'a', 1)
    const inTime = tab.dust.synced(STORE, { timeoutMs: 50 })
    await expect(world.outcome(inTime)).rejects.toBeInstanceOf(UnavailableError)
    const end = new AbortController()
    const wanted = tab.dust.synced(STORE, { signal: end.signal })
    end.abort('enough')
    await expect(world.outcome(wanted)).rejects.toBe('enough')
    await expect(tab.dust.synced(STORE, { signal: end.signal })).rejects.toBe('enough')
    tab.dust.setOnline(true)
    expect(await world.outcome(write.committed)).toEqual({ revision: 1 })
  })

  test('goes on with the next leader', async () => {
    const follower = world.open()
    await world.outcome(follower.dust.synced(STORE))
    follower.dust.setOnline(false)
    await world.until(() => world.network.peers.every(({ open }) => !open))
    const write = follower.dust.put(STORE, 'a', 1)
    await world.outcome(write)
    const synced = follower.dust.synced(STORE)
    await world.pass(20)
    tab.kill()
    await world.until(() => follower.leading)
    follower.dust.setOnline(true)
    await world.outcome(synced)
    expect(await write.committed).toEqual({ revision: 1 })
  })

  test('goes on with the next leader also when the one before leaves in good order', async () => {
    const follower = world.open()
    await world.outcome(follower.dust.synced(STORE))
    follower.dust.setOnline(false)
    await world.until(() => world.network.peers.every(({ open }) => !open))
    await world.outcome(follower.dust.put(STORE, 'a', 1))
    const synced = follower.dust.synced(STORE)
    await world.pass(20)
    await world.outcome(tab.dust.close())
    await world.until(() => follower.leading)
    follower.dust.setOnline(true)
    await world.outcome(synced)
    expect(world.server.model.get('a')?.value).toBe(1)
  })

  test('close does not wait for it', async () => {
    await world.outcome(tab.dust.synced(STORE))
    await offline()
    await world.outcome(tab.dust.put(STORE, 'a', 1))
    const synced = tab.dust.synced(STORE)
    synced.catch(() => undefined)
    await world.outcome(tab.dust.close())
    await expect(synced).rejects.toMatchObject({ code: 'closed' })
  })

  test('who is closed is told so, and not that its time is up', async () => {
    await world.outcome(tab.dust.synced(STORE))
    await offline()
    await world.outcome(tab.dust.put(STORE, 'a', 1))
    const during = tab.dust.synced(STORE, { timeoutMs: 60_000 })
    during.catch(() => undefined)
    await world.outcome(tab.dust.close())
    await expect(world.outcome(during)).rejects.toMatchObject({ code: 'closed' })
    const after = tab.dust.synced(STORE, { timeoutMs: 60_000 })
    await expect(world.outcome(after)).rejects.toMatchObject({ code: 'closed' })
  })
})

test('export gives entries, pending writes and refused ones, as plain data', async () => {
  await world.outcome(tab.dust.put(STORE, 'k', 1, { ifAbsent: true }).committed)
  await offline()
  await world.outcome(tab.dust.put(STORE, 'waits', { a: 1 }))
  const rescued = await world.outcome(tab.dust.export(STORE))
  expect(rescued).toMatchObject({
    version: 1,
    store: STORE,
    cursor: 1,
    entries: [{ path: 'k', value: 1, type: 'integer', seq: 1 }],
    outbox: [{ op: 'set', path: 'waits', value: { a: 1 } }],
    rejections: [],
  })
  expect(JSON.parse(JSON.stringify(rescued))).toEqual(rescued)
})

describe('doctor', () => {
  test('finds nothing wrong with a replica that is in order', async () => {
    await world.outcome(tab.dust.put(STORE, 'k', 1).committed)
    expect(await world.outcome(tab.dust.doctor(STORE))).toMatchObject({
      ok: true,
      local: { problems: [], entries: 1, pending: 0 },
      server: 'equal',
    })
  })

  test('leaves a value of a type that it does not know alone', async () => {
    await world.outcome(tab.dust.put(STORE, 'price', { _type: 'money', _typed: '3 EUR' }).committed)
    const report = await world.outcome(tab.dust.doctor(STORE))
    expect(report).toMatchObject({ local: { ok: true, problems: [] }, server: 'equal' })
  })

  test('a copy that differs from the server’s is built anew, and the status tells', async () => {
    await world.outcome(tab.dust.put(STORE, 'k', 1).committed)
    // A change that the server never tells anybody of.
    world.server.model.replay({ seq: 1, op: 'set', path: 'k', value: 'altered' })
    expect(await world.outcome(tab.dust.doctor(STORE))).toMatchObject({ ok: true, server: 'resynced' })
    await world.outcome(tab.dust.synced(STORE))
    const status = await world.outcome(tab.dust.status(STORE))
    expect(status.lastResync).toMatchObject({ at: expect.any(Number), reason: expect.any(String) })
  })

  test('without a connection it checks what it can', async () => {
    await world.outcome(tab.dust.synced(STORE))
    await offline()
    await world.outcome(tab.dust.put(STORE, 'k', 1))
    expect(await world.outcome(tab.dust.doctor(STORE))).toMatchObject({
      ok: true,
      local: { pending: 1 },
      server: 'unreachable',
    })
  })
})
