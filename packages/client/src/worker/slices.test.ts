import { openReplica } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import { createSyncClient } from '@dustlayer/sync'
import { createFakeNetwork, createFakeTime } from '@dustlayer/sync/testing'
import { expect, test } from 'vitest'
import type { Storage } from '../storage/storage.js'
import type { Call } from '../tab/calls.js'
import { createBusy } from './busy.js'
import { createHost } from './host.js'
import { createPostbox, type Parcel } from './postbox.js'
import { createSlices } from './slices.js'

/** A leader in whose world each look at the clock takes 10 ms, and a turn happens when the test says so. */
function setUp() {
  const fake = createFakeTime().clock()
  let elapsed = 0
  const clock = {
    now: fake.now,
    setTimer: fake.setTimer,
    monotonic: () => {
      elapsed += 10
      return elapsed
    },
  }
  const later: (() => void)[] = []
  const defer = (run: () => void): void => void later.push(run)
  const told: boolean[] = []
  const busy = createBusy({ defer, announce: (is) => told.push(is) })
  const storage: Storage = {
    persistent: true,
    stores: () => [],
    open: async () => ({
      driver: openBetterSqlite(),
      info: () => ({ kind: 'opfs', persisted: null }),
      durable: () => null,
      makeRoom: () => false,
      noRoom: () => undefined,
      explain: async (error) => (error instanceof Error ? error : new Error(String(error))),
      complete: () => undefined,
      condemn: () => undefined,
      preciousChanged: () => undefined,
    }),
    refresh: async () => undefined,
    close: async () => undefined,
  }
  const delivered: { tab: string; turn: number; parcel: Parcel }[] = []
  let turns = 0
  const host = createHost({
    storage,
    sync: createSyncClient({
      url: 'ws://server/ws/sync',
      token: 'dust_tok_x',
      deviceId: 'dev_1',
      transport: createFakeNetwork({ clock: fake, handlers: {} }).transport,
      clock: fake,
      random: () => 0.5,
    }),
    deviceId: 'dev_1',
    clock,
    defer,
    busy,
    postbox: createPostbox({
      deliver: (tab, parcel) => delivered.push({ tab, turn: turns, parcel }),
      foretell: () => undefined,
      ownTab: 'own',
      leader: 'leader',
    }),
    until: new AbortController().signal,
    doubt: () => undefined,
  })
  /** Everything that waits has its turn, and what comes of it waits for the next. */
  const turn = async (): Promise<void> => {
    await new Promise(setImmediate)
    turns += 1
    for (const run of later.splice(0)) run()
    await new Promise(setImmediate)
  }
  const answered = (tab: string, batch: number): number | undefined =>
    delivered.find((one) => one.tab === tab && one.parcel.answers.some((answer) => answer.batch === batch))
      ?.turn
  return { host, turn, answered, told, defer, busy, clock, later: () => later.length }
}

const puts = (store: string, count: number): Call[] =>
  Array.from({ length: count }, (_, i) => ({
    kind: 'write',
    store,
    op: { op: 'set', path: 'k', value: i, opId: `op_${store}_${i}` },
  }))

const get = (store: string): Call => ({ kind: 'get', store, path: 'k' })

test('many calls run in turns; those of other tabs, and of other stores, come in between', async () => {
  const { host, turn, answered } = setUp()
  host.submit('a', 1, [get('o/one'), get('o/two')], false)
  for (let i = 0; i < 5; i++) await turn()
  expect(answered('a', 1)).toBeDefined()
  host.submit('a', 2, [...puts('o/one', 200), get('o/one')], false)
  await turn()
  host.submit('b', 1, [get('o/one')], false)
  host.submit('b', 2, [get('o/two')], false)
  for (let i = 0; i < 60 && answered('a', 2) === undefined; i++) await turn()
  const [bulk, one, two] = [answered('a', 2) ?? 0, answered('b', 1) ?? 0, answered('b', 2) ?? 0]
  expect(bulk).toBeGreaterThan(15)
  expect(one).toBeGreaterThan(0)
  expect(two).toBeGreaterThan(0)
  expect(one).toBeLessThan(bulk - 5)
  expect(two).toBeLessThan(bulk - 5)
})

test('work in steps lets others in, is announced, and ends when nobody wants it any more', async () => {
  const { defer, busy, clock, told, turn } = setUp()
  const run = createSlices({ clock, defer, busy })
  const replica = openReplica({ driver: openBetterSqlite(), store: 'o/s', deviceId: 'd', now: () => 1 })
  let ended = false
  function* steps() {
    try {
      for (let step = 0; step < 100; step++) yield undefined
      return 'done'
    } finally {
      ended = true
    }
  }
  const end = new AbortController()
  const outcome = run(steps(), end.signal).catch((error: unknown) => error)
  await turn()
  expect([ended, told]).toEqual([false, [true]])
  end.abort(new Error('nobody waits'))
  await turn()
  expect(await outcome).toMatchObject({ message: 'nobody waits' })
  expect(ended).toBe(true)
  await turn()
  expect(told).toEqual([true, false])
  const exported = run(replica.exportSteps(), new AbortController().signal)
  for (let i = 0; i < 5; i++) await turn()
  expect(await exported).toMatchObject({ entries: [], outbox: [] })
})
