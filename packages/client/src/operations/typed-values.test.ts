import { DateTime, Decimal, InvalidValueError, LeaseValue } from '@dustlayer/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Dust, DustEvent, Value } from '../index.js'
import { createTabWorld, STORE, type TabWorld } from '../test-support/tab-world.js'

let world: TabWorld
let dust: Dust
beforeEach(() => {
  world = createTabWorld()
  dust = world.open().dust
})
afterEach(() => world.dispose())

const VALUES: { readonly [name: string]: Value } = {
  text: 'a',
  integer: 2 ** 53 - 1,
  big: 2n ** 60n,
  float: 1.5,
  yes: true,
  nothing: null,
  list: [1, [Decimal.from('0.10')], 'a'],
  decimal: Decimal.from('1234567890.123456789000'),
  moment: DateTime.from('2026-04-01T12:00:00.000001+02:00'),
}

test('what goes in comes out, to the digit: from get, getMany, entry, enum and range', async () => {
  await world.outcome(dust.put(STORE, 'all', VALUES).committed)
  expect(await world.outcome(dust.get(STORE, 'all'))).toEqual(VALUES)
  const paths = Object.keys(VALUES).map((name) => `all/${name}`)
  const many = await world.outcome(dust.getMany(STORE, paths))
  expect(Object.values(many)).toEqual(Object.values(VALUES))
  const moment = await world.outcome(dust.entry<DateTime>(STORE, 'all/moment'))
  expect(moment).toMatchObject({ type: 'datetime', pending: false })
  expect(moment?.value.text).toBe('2026-04-01T12:00:00.000001+02:00')
  const [node] = await world.outcome(dust.enum(STORE, 'all'))
  expect(node?.value).toEqual(VALUES)
  const range = await world.outcome(dust.range(STORE, 'all/decimal', 'all/decimal0'))
  expect(range.items[0]?.value).toEqual(VALUES.decimal)
})

test('another client reads the same', async () => {
  await world.outcome(dust.put(STORE, 'all', VALUES).committed)
  const other = world.open('dev_2').dust
  await world.outcome(other.synced(STORE))
  expect(await world.outcome(other.get(STORE, 'all'))).toEqual(VALUES)
})

test('sets are Sets, also inside a node, and counters are numbers', async () => {
  for (const member of ['x', Decimal.from('1.0')]) await world.outcome(dust.add(STORE, 'p/1/tags', member))
  await world.outcome(dust.increment(STORE, 'p/1/views', 2))
  await world.outcome(dust.put(STORE, 'p/1/list', ['x']))
  const tags = new Set<Value>(['x', Decimal.from('1.0')])
  expect(await world.outcome(dust.get(STORE, 'p/1/tags'))).toEqual(tags)
  expect(await world.outcome(dust.get(STORE, 'p'))).toEqual({ '1': { tags, views: 2, list: ['x'] } })
  const [node] = await world.outcome(dust.enum(STORE, 'p/*'))
  expect(node?.value).toEqual({ tags, views: 2, list: ['x'] })
  expect(node).not.toHaveProperty('sets')
})

test('a lease and an envelope that no class can hold', async () => {
  await world.outcome(dust.synced(STORE))
  await world.outcome(dust.lease(STORE, 'lock', { ttlMs: 1_000, holder: 'me' }))
  const lease = await world.outcome(dust.get<LeaseValue>(STORE, 'lock'))
  expect(lease).toBeInstanceOf(LeaseValue)
  expect(lease).toMatchObject({ holder: 'me', token: 1 })
  const odd = { _type: 'decimal', _typed: '1.5', unit: 'kg' }
  await world.outcome(dust.put(STORE, 'odd', odd))
  expect(await world.outcome(dust.get(STORE, 'odd'))).toEqual(odd)
})

test('events bring typed values', async () => {
  const seen: DustEvent[] = []
  dust.on(STORE, '**', (event) => seen.push(event))
  await world.outcome(dust.put(STORE, 'price', Decimal.from('1.10')))
  await world.until(() => seen.length > 0)
  expect(seen[0]?.value).toEqual(Decimal.from('1.10'))
})

test('what cannot travel is refused at the call, naming where', async () => {
  const refusals: [unknown, string][] = [
    [{ a: { b: new Set([1]) } }, 'add()'],
    [{ a: { b: new Date(0) } }, 'DateTime.from'],
    [{ a: { b: 2 ** 53 } }, 'bigint'],
    [{ a: { b: 'x'.repeat(70_000) } }, 'bytes'],
    [{ a: { b: { _type: 'decimal', _typed: 'x' } } }, 'decimal'],
  ]
  for (const [value, hint] of refusals) {
    const write = dust.put(STORE, 'k', value)
    await expect(write).rejects.toBeInstanceOf(InvalidValueError)
    await expect(write).rejects.toMatchObject({ fields: { at: 'a.b' } })
    await expect(write).rejects.toThrow(hint)
  }
  expect(await world.outcome(dust.status(STORE))).toMatchObject({ pending: { count: 0 } })
})
