import {
  ClosedError,
  InvalidValueError,
  OptionError,
  PathError,
  PatternError,
  type Value,
} from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Dust } from './index.js'
import { createTabWorld, STORE, type TabWorld } from './test-support/tab-world.js'

let world: TabWorld
let dust: Dust
beforeEach(() => {
  world = createTabWorld()
  dust = world.open().dust
})
afterEach(() => world.dispose())

const put = (values: { [path: string]: unknown }): Promise<unknown> =>
  world.outcome(Promise.all(Object.entries(values).map(([path, value]) => dust.put(STORE, path, value))))

describe('errors of arguments come at the call', () => {
  test('B24 values that cannot be stored are refused, and nothing is written', async () => {
    const loop: { [key: string]: unknown } = {}
    loop.self = loop
    for (const value of [undefined, Number.NaN, () => 1, '\ud800', { a: { b: undefined } }, loop]) {
      await expect(dust.put(STORE, 'k', value)).rejects.toBeInstanceOf(InvalidValueError)
    }
    await expect(dust.put(STORE, 'k', { a: { b: undefined } })).rejects.toMatchObject({
      fields: { at: 'a.b' },
    })
    expect(await world.outcome(dust.status(STORE))).toMatchObject({ pending: { count: 0 } })
  })

  test('paths, from reads and from writes', async () => {
    await expect(dust.get(STORE, 'a//b')).rejects.toBeInstanceOf(PathError)
    await expect(dust.put(STORE, '', 1)).rejects.toBeInstanceOf(PathError)
    await expect(dust.put(STORE, '', 1).committed).rejects.toBeInstanceOf(PathError)
    await expect(dust.getMany(STORE, ['a', 'b//c'])).rejects.toBeInstanceOf(PathError)
    await expect(dust.range(STORE, 'a', '')).rejects.toBeInstanceOf(PathError)
  })

  test('whatever is called after close()', async () => {
    await world.outcome(dust.close())
    await expect(dust.get(STORE, 'k')).rejects.toBeInstanceOf(ClosedError)
    await expect(dust.put(STORE, 'k', 1)).rejects.toBeInstanceOf(ClosedError)
    expect(() => dust.on(STORE, '**', () => undefined)).toThrow(ClosedError)
    expect(() => dust.watch(STORE, '**', () => undefined)).toThrow(ClosedError)
  })

  test('D10 patterns: thrown by on and watch, rejected by enum', async () => {
    expect(() => dust.on(STORE, 'a/**/b', () => undefined)).toThrow(PatternError)
    expect(() => dust.watch(STORE, 'a/**/b', () => undefined)).toThrow(PatternError)
    await expect(dust.enum(STORE, 'a/**/b')).rejects.toBeInstanceOf(PatternError)
  })

  test('options and store names', async () => {
    // @ts-expect-error a misspelt option does not compile either
    await expect(dust.put(STORE, 'k', 1, { if_match: 1 })).rejects.toThrow('should be "ifMatch"')
    await expect(dust.put(STORE, 'k', 1, { ifMatch: 1, ifAbsent: true })).rejects.toBeInstanceOf(OptionError)
    // @ts-expect-error delete has no ifAbsent
    await expect(dust.delete(STORE, 'k', { ifAbsent: true })).rejects.toBeInstanceOf(OptionError)
    await expect(dust.enum(STORE, '**', { limit: 1.5 })).rejects.toBeInstanceOf(OptionError)
    await expect(dust.enum(STORE, 'a/*', { select: 'prefixes' })).rejects.toBeInstanceOf(OptionError)
    // @ts-expect-error a range has no prefixes
    await expect(dust.range(STORE, 'a', 'b', { select: 'prefixes' })).rejects.toBeInstanceOf(OptionError)
    await expect(dust.get('nowhere', 'k')).rejects.toThrow('A store is named "org/name"')
    expect(() => dust.store('a b/c')).toThrow(OptionError)
    // @ts-expect-error a callback is a function
    expect(() => dust.on(STORE, '**', 'callback')).toThrow(OptionError)
    // @ts-expect-error there is no such mode
    expect(() => dust.on(STORE, '**', () => undefined, { mode: 'none' })).toThrow(OptionError)
    await expect(dust.getMany(STORE, new Array(1001).fill('a'))).rejects.toBeInstanceOf(OptionError)
  })

  test('arguments of single ops', async () => {
    await expect(dust.merge(STORE, 'k', [1])).rejects.toBeInstanceOf(InvalidValueError)
    await expect(dust.add(STORE, 'k', null)).rejects.toBeInstanceOf(InvalidValueError)
    // @ts-expect-error increments are numbers
    await expect(dust.increment(STORE, 'k', '1')).rejects.toBeInstanceOf(InvalidValueError)
  })

  test('the value counts as it was at the call', async () => {
    const value = { list: [1], inner: { a: 1 } }
    const write = dust.put(STORE, 'k', value)
    value.list.push(2)
    value.inner.a = 2
    await world.outcome(write)
    expect(await world.outcome(dust.get(STORE, 'k'))).toEqual({ list: [1], inner: { a: 1 } })
  })
})

describe('reads', () => {
  test('H02 H03 E34 get assembles, tells null from missing, and prefers a leaf', async () => {
    await put({ 'u/ann': { name: 'Ann', age: null } })
    expect(await world.outcome(dust.get(STORE, 'u'))).toEqual({ ann: { name: 'Ann', age: null } })
    expect(await world.outcome(dust.get(STORE, 'u/ann/age'))).toBeNull()
    expect(await world.outcome(dust.get(STORE, 'u/bob'))).toBeUndefined()
    expect(await world.outcome(dust.entry(STORE, 'u/bob'))).toBeUndefined()
    expect(await world.outcome(dust.entry(STORE, 'u'))).toMatchObject({ type: 'map', syncedAt: null })
  })

  test('H04 getMany answers by the path given, and leaves out what is missing', async () => {
    await put({ 'u/ann': { name: 'Ann' }, n: 1, 'a~1b': 2, ['__proto__']: 3 })
    const values = await world.outcome(dust.getMany(STORE, ['n', 'u', ['a/b'], 'missing', '__proto__']))
    expect(Object.entries(values)).toEqual([
      ['n', 1],
      ['u', { ann: { name: 'Ann' } }],
      ['a~1b', 2],
      ['__proto__', 3],
    ])
  })

  test('D11 a path of segments is the same entry as the rendered one', async () => {
    await world.outcome(dust.put(STORE, ['a/b', 'c~d'], 1))
    expect(await world.outcome(dust.get(STORE, 'a~1b/c~0d'))).toBe(1)
  })

  test('enum gives nodes, or leaves with **; keys and prefixes are paths; pages iterate', async () => {
    await put({ 'users/alice': { name: 'Alice', role: 'admin' }, 'users/bob': { name: 'Bob' } })
    const nodes = await world.outcome(dust.enum<{ name: string }>(STORE, 'users/*'))
    expect([...nodes].map(({ path, value }) => [path, value.name])).toEqual([
      ['users/alice', 'Alice'],
      ['users/bob', 'Bob'],
    ])
    const keys = await world.outcome(dust.enum(STORE, 'users/**', { select: 'keys', limit: 2 }))
    expect(keys.items).toEqual(['users/alice/name', 'users/alice/role'])
    expect(keys.nextCursor).toBe('users/alice/role')
    const prefixes = await world.outcome(dust.enum(STORE, '**', { select: 'prefixes' }))
    expect(prefixes.items).toEqual(['users'])
    const range = await world.outcome(dust.range(STORE, 'users/b', 'users/c'))
    expect(range.items.map(({ path }) => path)).toEqual(['users/bob/name'])
  })

  test('H05 limits are clamped to 1…1000', async () => {
    await put({ a: 1, b: 2 })
    for (const limit of [0, -1, 1]) {
      expect((await world.outcome(dust.enum(STORE, '**', { limit }))).items).toHaveLength(1)
    }
    expect((await world.outcome(dust.enum(STORE, '**', { limit: 5000 }))).items).toHaveLength(2)
  })

  test('I01 a write is read in the same tick', async () => {
    const write = dust.put(STORE, 'k', 1)
    const read = dust.get(STORE, 'k')
    expect(await world.outcome(read)).toBe(1)
    await world.outcome(write)
  })
})

describe('writes', () => {
  test('every op shows at once', async () => {
    const results: (Value | undefined)[] = []
    const show = async () => results.push(await world.outcome(dust.get(STORE, 'k')))
    await world.outcome(dust.increment(STORE, 'k'))
    await world.outcome(dust.increment(STORE, 'k', 4))
    await show()
    await world.outcome(dust.delete(STORE, 'k'))
    await show()
    await world.outcome(dust.add(STORE, 'k', 'x'))
    await world.outcome(dust.add(STORE, 'k', 'y'))
    await world.outcome(dust.remove(STORE, 'k', 'x'))
    await show()
    await world.outcome(dust.put(STORE, 'k', { a: 1, b: 2 }))
    await world.outcome(dust.merge(STORE, 'k', { b: 3 }))
    await show()
    expect(results).toEqual([5, undefined, new Set(['y']), { a: 1, b: 3 }])
  })

  test('I19 without permission to write, a write fails at the call and nothing shows', async () => {
    world.server.permissions = { read: true, write: false }
    await world.outcome(dust.get(STORE, 'k'))
    await world.until(() => world.network.peers.length > 0)
    let live = false
    dust.onStatus(STORE, ({ connection }) => {
      live = connection === 'live'
    })
    await world.until(() => live)
    const write = dust.put(STORE, 'k', 1)
    await expect(world.outcome(write)).rejects.toMatchObject({
      code: 'missing_scope',
      scope: 'entries:write',
    })
    expect(await world.outcome(dust.get(STORE, 'k'))).toBeUndefined()
  })

  test('the same methods on a store, without its name', async () => {
    const store = dust.store(STORE)
    const seen: string[] = []
    const off = store.on('**', ({ path }) => seen.push(path))
    await world.outcome(store.put('a', 1))
    await world.until(() => seen.length === 1)
    off()
    await world.outcome(store.put('b', 1))
    expect((await world.outcome(store.enum('*', { select: 'keys' }))).items).toEqual(['a', 'b'])
    expect(await world.outcome(store.status())).toMatchObject({ store: STORE })
    expect(seen).toEqual(['a'])
  })

  test('a signal ends a subscription', async () => {
    const seen: string[] = []
    const stop = new AbortController()
    dust.on(STORE, '**', ({ path }) => seen.push(path), { signal: stop.signal })
    await world.outcome(dust.put(STORE, 'a', 1))
    stop.abort()
    dust.on(STORE, '**', ({ path }) => seen.push(path), { signal: stop.signal })
    await world.outcome(dust.put(STORE, 'b', 1))
    expect(seen).toEqual(['a'])
  })
})
