import { UnavailableError } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
beforeEach(() => {
  world = createTabWorld()
})
afterEach(() => world.dispose())

async function opened(): Promise<WorldTab> {
  const tab = world.open()
  await world.outcome(tab.dust.get(STORE, 'a'))
  return tab
}

/** Long enough for calls to be given up. */
const GIVEN_UP_MS = 35_000

/** Registers one of each kind, and notes what they are told. */
function registerAll({ dust }: WorldTab): Record<'on' | 'watch' | 'live' | 'status', unknown[]> {
  const told = { on: [], watch: [], live: [], status: [] } as Record<
    'on' | 'watch' | 'live' | 'status',
    unknown[]
  >
  dust.on(STORE, 'k', ({ value }) => told.on.push(value))
  dust.watch(STORE, 'k', ({ value }) => told.watch.push(value))
  dust.live(STORE, 'k', ({ nodes }) => told.live.push(nodes[0]?.value))
  dust.onStatus(STORE, ({ connection }) => told.status.push(connection))
  return told
}

describe('a call that was given up', () => {
  test('is not run when the files become free', async () => {
    const leader = await opened()
    const newcomer = world.open()
    leader.asleep = true
    const write = newcomer.dust.increment(STORE, 'n')
    const outcome = Promise.allSettled([write])
    await world.pass(GIVEN_UP_MS)
    expect(await outcome).toMatchObject([{ status: 'rejected', reason: { code: 'unavailable' } }])
    const again = newcomer.dust.increment(STORE, 'n')
    leader.kill()
    await world.outcome(again)
    expect(await world.outcome(newcomer.dust.get(STORE, 'n'))).toBe(1)
    await world.outcome(again.committed)
    expect(world.server.model.log).toHaveLength(1)
  })

  test('says that it may have been made all the same when a silent leader has got it', async () => {
    const leader = await opened()
    const follower = await opened()
    leader.asleep = true
    const outcome = Promise.allSettled([follower.dust.increment(STORE, 'n'), follower.dust.get(STORE, 'n')])
    await world.pass(GIVEN_UP_MS)
    const messages = (await outcome).map((one) => (one.status === 'rejected' ? one.reason.message : ''))
    expect(messages[0]).toContain('may have been made')
    expect(messages[1]).not.toContain('may have been made')
  })

  test('has waited for its own 30 s, not for those of others', async () => {
    const leader = await opened()
    leader.asleep = true
    const newcomer = world.open()
    newcomer.dust.on(STORE, 'k', () => undefined)
    await world.pass(25_000)
    let settled = false
    newcomer.dust.put(STORE, 'k', 1).then(
      () => {
        settled = true
      },
      () => undefined,
    )
    await world.pass(10_000)
    leader.kill()
    await world.until(() => settled)
  })

  test('of one tab leaves those of the others alone', async () => {
    const leader = await opened()
    const [first, second] = [world.open(), world.open()]
    leader.asleep = true
    const outcome = Promise.allSettled([first.dust.increment(STORE, 'n')])
    await world.pass(20_000)
    const later = second.dust.increment(STORE, 'n')
    await world.pass(GIVEN_UP_MS - 20_000)
    expect(await outcome).toMatchObject([{ status: 'rejected' }])
    leader.kill()
    await world.outcome(later)
    expect(await world.outcome(first.dust.get(STORE, 'n'))).toBe(1)
  })
})

describe('what is registered while nobody serves', () => {
  test('works as soon as somebody does, however late; the status says meanwhile why nothing comes', async () => {
    const leader = await opened()
    leader.asleep = true
    const newcomer = world.open()
    const told = registerAll(newcomer)
    await world.pass(GIVEN_UP_MS)
    expect((await world.outcome(newcomer.dust.status(STORE))).error).toBeInstanceOf(UnavailableError)
    expect(told.status).toContain('offline')
    leader.kill()
    await world.outcome(newcomer.dust.put(STORE, 'k', 1).committed)
    await world.until(() => [told.on, told.watch, told.live].every((one) => one.includes(1)))
    await world.until(() => told.status.at(-1) === 'live')
    expect(newcomer.reported).toEqual([])
    expect([told.on, told.watch]).toEqual([[1], [1]])
  })

  test('and taken back before, is gone', async () => {
    const leader = await opened()
    leader.asleep = true
    const newcomer = world.open()
    const seen: unknown[] = []
    const off = newcomer.dust.on(STORE, 'k', ({ value }) => seen.push(value))
    await world.pass(GIVEN_UP_MS)
    off()
    await world.pass(GIVEN_UP_MS)
    leader.kill()
    await world.outcome(newcomer.dust.put(STORE, 'k', 1).committed)
    await world.pass(1_000)
    expect(seen).toEqual([])
  })

  test('outlives also the worker with which it was registered', async () => {
    const leader = await opened()
    leader.asleep = true
    const newcomer = world.open()
    const told = registerAll(newcomer)
    await world.pass(GIVEN_UP_MS)
    newcomer.crash()
    await world.pass(5_000)
    leader.kill()
    await world.outcome(newcomer.dust.put(STORE, 'k', 1).committed)
    await world.until(() => [told.on, told.watch, told.live].every((one) => one.includes(1)))
    await world.until(() => told.status.at(-1) === 'live')
  })
})

describe('a tab that cannot lead', () => {
  test('settles its calls when its leader is gone, and leads once it can', async () => {
    const leader = await opened()
    world.obstacles.noWasm = true
    const follower = await opened()
    const told = registerAll(follower)
    await world.outcome(follower.dust.get(STORE, 'k'))
    leader.kill()
    const begun = world.now()
    const read = Promise.allSettled([follower.dust.get(STORE, 'k')])
    expect(await world.outcome(read, 60_000)).toMatchObject([
      { status: 'rejected', reason: { message: expect.stringContaining('SQLite could not be loaded') } },
    ])
    expect(world.now() - begun).toBeLessThan(40_000)
    world.obstacles.noWasm = false
    await world.pass(30_000)
    await world.outcome(follower.dust.put(STORE, 'k', 1))
    expect(follower.leading).toBe(true)
    await world.until(() => [told.on, told.watch, told.live].every((one) => one.includes(1)))
  })

  test('and is alone says so within seconds', async () => {
    world.obstacles.noWasm = true
    const tab = world.open()
    const begun = world.now()
    const read = Promise.allSettled([tab.dust.get(STORE, 'k')])
    expect(await world.outcome(read)).toMatchObject([
      { status: 'rejected', reason: { message: expect.stringContaining('SQLite could not be loaded') } },
    ])
    expect(world.now() - begun).toBeLessThan(5_000)
  })

  test('for a moment fails nothing', async () => {
    world.obstacles.failedOpenings = 2
    const tab = world.open()
    const told = registerAll(tab)
    await world.outcome(tab.dust.put(STORE, 'k', 1).committed)
    await world.until(() => [told.on, told.watch, told.live].every((one) => one.includes(1)))
    expect(tab.reported).toEqual([])
  })
})
