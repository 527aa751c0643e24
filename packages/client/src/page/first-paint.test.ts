import { Decimal } from '@dustlayer/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'
import type { LiveResult } from './live.js'

let world: TabWorld
beforeEach(() => {
  world = createTabWorld()
})
afterEach(() => world.dispose())

type Told = Pick<LiveResult<unknown>, 'stale' | 'removed'> & {
  readonly nodes: Record<string, unknown>
  readonly changed: readonly string[]
}

function follow({ dust }: WorldTab, pattern = 'todos/*'): Told[] {
  const told: Told[] = []
  const valuesOf = (nodes: LiveResult<unknown>['nodes']) =>
    Object.fromEntries(nodes.map(({ path, value }) => [path, value]))
  dust.live(
    STORE,
    pattern,
    ({ nodes, changed, removed, stale }) => {
      told.push({ nodes: valuesOf(nodes), changed: changed.map(({ path }) => path), removed, stale })
    },
    { stale: 'allow' },
  )
  return told
}

/** A first page, which has seen these. */
async function warm(values: { readonly [path: string]: unknown }): Promise<void> {
  const tab = world.open()
  const told = follow(tab)
  for (const [path, value] of Object.entries(values)) await world.outcome(tab.dust.put(STORE, path, value))
  await world.outcome(tab.dust.get(STORE, 'one', { onStale: () => undefined }))
  await world.until(() => Object.keys(told.at(-1)?.nodes ?? {}).length === Object.keys(values).length - 1)
  await world.outcome(tab.dust.close())
}

test('a warm start: first what is remembered, then the real result with what is different', async () => {
  await warm({ 'todos/a': 1, 'todos/b': Decimal.from('1.5'), 'todos/c': 3, one: 1 })
  const other = world.open()
  await world.outcome(other.dust.put(STORE, 'todos/a', 2))
  await world.outcome(other.dust.delete(STORE, 'todos/c'))
  await world.outcome(other.dust.close())

  const tab = world.open()
  tab.stalled = true
  const told = follow(tab)
  await world.until(() => told.length > 0)
  expect(told).toEqual([
    {
      stale: true,
      nodes: { 'todos/a': 1, 'todos/b': Decimal.from('1.5'), 'todos/c': 3 },
      changed: ['todos/a', 'todos/b', 'todos/c'],
      removed: [],
    },
  ])
  tab.stalled = false
  await world.until(() => told.length > 1)
  expect(told[1]).toEqual({
    stale: false,
    nodes: { 'todos/a': 2, 'todos/b': Decimal.from('1.5') },
    changed: ['todos/a'],
    removed: ['todos/c'],
  })
})

test('the real result is told although nothing is different', async () => {
  await warm({ 'todos/a': 1, one: 1 })
  const told = follow(world.open())
  await world.until(() => told.length > 1)
  expect(told.map(({ stale, changed }) => [stale, changed])).toEqual([
    [true, ['todos/a']],
    [false, []],
  ])
})

test('nothing remembered is told after the real result', async () => {
  await warm({ 'todos/a': 1, one: 1 })
  const tab = world.open()
  const told = follow(tab)
  await world.until(() => told.some(({ stale }) => !stale))
  const late = follow(tab)
  await world.until(() => late.length > 0)
  await world.pass(20)
  expect(late.map(({ stale }) => stale)).not.toContain(true)
})

test('a live query that does not ask for it is told nothing stale, and remembers nothing', async () => {
  await warm({ 'todos/a': 1, one: 1 })
  const { dust } = world.open()
  const stale: boolean[] = []
  dust.live(STORE, 'todos/*', (result) => stale.push(result.stale))
  await world.until(() => stale.length > 0)
  expect(stale).toEqual([false])
})

test('get with onStale: what is remembered, then the answer; never the other way round', async () => {
  await warm({ one: { deep: [1, 2] } })
  const tab = world.open()
  tab.stalled = true
  const stale: unknown[] = []
  const answer = tab.dust.get(STORE, 'one', { onStale: (value) => stale.push(value) })
  await world.until(() => stale.length > 0)
  expect(stale).toEqual([{ deep: [1, 2] }])
  await world.outcome(Promise.resolve())
  tab.stalled = false
  expect(await world.outcome(answer)).toEqual({ deep: [1, 2] })
  expect(stale).toHaveLength(1)
})

test('a page that has seen the store is told nothing older, whatever it unmounts, deletes and mounts again', async () => {
  await warm({ 'todos/a': 1, 'todos/b': 2, one: 1 })
  const { dust } = world.open()
  const stale: unknown[] = []
  const mount = () => dust.live(STORE, 'todos/*', (result) => told.push(result), { stale: 'allow' })
  const told: LiveResult<unknown>[] = []
  const unmount = mount()
  await world.until(() => told.at(-1)?.stale === false)
  await world.outcome(dust.delete(STORE, 'todos/a'))
  await world.outcome(dust.delete(STORE, 'one'))
  unmount()
  told.length = 0
  mount()
  await world.outcome(dust.get(STORE, 'one', { onStale: (value) => stale.push(value) }))
  await world.until(() => told.length > 0)
  await world.pass(20)
  for (const { stale, nodes } of told)
    expect([stale, nodes.map(({ path }) => path)]).toEqual([false, ['todos/b']])
  expect(stale).toEqual([])
})

test('signing out forgets, in all tabs', async () => {
  await warm({ 'todos/a': 1, one: 1 })
  const [leader, follower] = [world.open(), world.open()]
  const told = [follow(leader), follow(follower)]
  await world.until(() => told.every((results) => results.some(({ stale }) => !stale)))
  await world.outcome(leader.dust.signOut({ pending: 'discard' }))
  await world.until(() => follower.ends.length > 0)
  await world.pass(30)
  world.network.unreachable = true
  const next = world.open()
  const fresh = follow(next)
  const stale: unknown[] = []
  await world.outcome(next.dust.get(STORE, 'one', { onStale: (value) => stale.push(value) }))
  await world.until(() => fresh.length > 0)
  expect([stale, fresh]).toEqual([[], [{ stale: false, nodes: {}, changed: [], removed: [] }]])
})
