import {
  Decimal,
  LeaseError,
  RateLimitedError,
  SingleFlightAbortedError,
  SingleFlightTimeoutError,
} from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Flight, FlightFunction } from '../../index.js'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../../test-support/tab-world.js'

const KEY = 'cache/rates'
const LOCK = '_dust:sf/cache/rates'
/** Short, since the world's time passes a millisecond at a time. */
const SHORT = { leaseTtl: 300, waitTimeout: 1_000 }

let world: TabWorld
beforeEach(() => {
  world = createTabWorld()
})
afterEach(() => world.dispose())

async function liveTab(device?: string): Promise<WorldTab> {
  const tab = world.open(device)
  await world.outcome(tab.dust.synced(STORE))
  return tab
}

/** Ops of the key and its lock, as the server's log has them. */
const logged = (): string[] => world.server.model.log.map(({ op, path }) => `${op} ${path}`)

const leaseAttempts = (): number => world.frames.filter(([, , , , { op }]) => op === 'lease').length

/** A function that publishes when it is told to. */
function held<T>(value: T) {
  const flights: Flight[] = []
  let finish = (): void => undefined
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const compute: FlightFunction<T> = async (flight) => {
    flights.push(flight)
    await finished
    return flight.publish(value)
  }
  return { compute, finish, flights, started: () => flights.length > 0 }
}

describe('outcomes', () => {
  test('G02 computed: lease, fenced set of the JSON text, release', async () => {
    const { dust } = await liveTab()
    const result = await world.outcome(
      dust.singleFlight(STORE, KEY, ({ lease, publish }) => {
        expect(lease).toMatchObject({ key: LOCK, holder: 'dev_1' })
        return publish({ usd: 1, list: [1, 'a'] })
      }),
    )
    expect(result).toEqual({
      value: { usd: 1, list: [1, 'a'] },
      source: 'computed',
      stale: false,
      coordinated: true,
    })
    expect(logged()).toEqual([`lease ${LOCK}`, `set ${KEY}`, `release ${LOCK}`])
    expect(world.server.model.get(KEY)).toMatchObject({ type: 'string', value: '{"usd":1,"list":[1,"a"]}' })
    expect(world.frames.find(([, , , , payload]) => payload.op === 'set')?.[4].fence).toEqual({
      key: LOCK,
      token: 1,
    })
  })

  test('G01 cached: a value that is there, and no frame', async () => {
    const { dust } = await liveTab()
    await world.outcome(dust.singleFlight(STORE, KEY, ({ publish }) => publish('now')))
    const before = world.frames.length
    const again = dust.singleFlight<string>(STORE, KEY, () => expect.unreachable())
    expect(await world.outcome(again)).toMatchObject({ value: 'now', source: 'cached' })
    expect(world.frames.length).toBe(before)
  })

  test('a value that is not fresh is computed anew, one that is no JSON text is none', async () => {
    const { dust } = await liveTab()
    await world.outcome(dust.put(STORE, KEY, '1').committed)
    const fresh = (value: number): boolean => value > 1
    const result = dust.singleFlight<number>(STORE, KEY, ({ publish }) => publish(2), { fresh })
    expect(await world.outcome(result)).toMatchObject({ value: 2, source: 'computed' })
    for (const other of ['no JSON', 5, { a: '1' }]) {
      await world.outcome(dust.put(STORE, 'k', other).committed)
      const computed = dust.singleFlight<string>(STORE, 'k', ({ publish }) => publish('mine'))
      expect(await world.outcome(computed)).toMatchObject({ value: 'mine', source: 'computed' })
    }
  })

  test('typed values come back as they are, for whoever computed them too', async () => {
    const [ann, ben] = [await liveTab('ann'), await liveTab('ben')]
    const value = { price: Decimal.from('1.10'), big: 2n ** 60n }
    const computed = ann.dust.singleFlight(STORE, KEY, ({ publish }) => publish(value))
    expect((await world.outcome(computed)).value).toEqual(value)
    await world.outcome(ben.dust.synced(STORE))
    const cached = ben.dust.singleFlight<typeof value>(STORE, KEY, () => expect.unreachable())
    expect((await world.outcome(cached)).value).toEqual(value)
  })

  test('G03 awaited: of two clients at once, one runs the function and the other gets its value', async () => {
    const [ann, ben] = [await liveTab('ann'), await liveTab('ben')]
    const work = held('made by ann')
    const first = ann.dust.singleFlight(STORE, KEY, work.compute)
    await world.until(work.started)
    const second = ben.dust.singleFlight<string>(STORE, KEY, () => expect.unreachable())
    await world.until(() => leaseAttempts() === 2)
    work.finish()
    expect(await world.outcome(first)).toMatchObject({ value: 'made by ann', source: 'computed' })
    expect(await world.outcome(second)).toMatchObject({ value: 'made by ann', source: 'awaited' })
  })

  test('G04 the holder aborts: it is told why, and a waiter runs soon after', async () => {
    const [ann, ben] = [await liveTab('ann'), await liveTab('ben')]
    let abort = (): void => undefined
    const aborted = new Promise<void>((resolve) => {
      abort = resolve
    })
    const first = ann.dust.singleFlight<string>(STORE, KEY, async (flight) => {
      await aborted
      return flight.abort({ because: 'no data' })
    })
    await world.until(() => logged().includes(`lease ${LOCK}`))
    const started: number[] = []
    const second = ben.dust.singleFlight<string>(STORE, KEY, ({ publish }) => {
      started.push(world.now())
      return publish('made by ben')
    })
    await world.until(() => leaseAttempts() === 2)
    abort()
    await expect(world.outcome(first)).rejects.toMatchObject({
      code: 'aborted',
      reason: { because: 'no data' },
    })
    await expect(first).rejects.toBeInstanceOf(SingleFlightAbortedError)
    const released = world.now()
    expect(await world.outcome(second)).toMatchObject({ value: 'made by ben', source: 'computed' })
    expect(Number(started[0]) - released).toBeLessThan(300)
  })

  test('G05 the holder dies: a waiter takes over when the lease runs out', async () => {
    const [ann, ben] = [await liveTab('ann'), await liveTab('ben')]
    const work = held('never')
    ann.dust.singleFlight(STORE, KEY, work.compute, SHORT).catch(() => undefined)
    await world.until(work.started)
    ann.kill()
    const second = ben.dust.singleFlight(STORE, KEY, ({ publish }) => publish('made by ben'), SHORT)
    expect(await world.outcome(second)).toMatchObject({ value: 'made by ben', source: 'computed' })
  })

  test('G06 the function throws: its error comes through, the lease stays, and is not renewed', async () => {
    const { dust } = await liveTab()
    const failure = new TypeError('of the app')
    const call = dust.singleFlight(
      STORE,
      KEY,
      () => {
        throw failure
      },
      SHORT,
    )
    await expect(world.outcome(call)).rejects.toBe(failure)
    await world.pass(SHORT.leaseTtl)
    expect(logged()).toEqual([`lease ${LOCK}`])
  })

  test('G07 a function slower than the lease keeps it, and nobody else runs', async () => {
    const [ann, ben] = [await liveTab('ann'), await liveTab('ben')]
    const work = held('slow')
    const first = ann.dust.singleFlight(STORE, KEY, work.compute, SHORT)
    await world.until(work.started)
    const second = ben.dust.singleFlight<string>(STORE, KEY, () => expect.unreachable(), {
      ...SHORT,
      waitTimeout: 5_000,
    })
    await world.pass(1_000)
    const renewals = logged().filter((op) => op === `renew ${LOCK}`).length
    expect(renewals).toBeGreaterThanOrEqual(8)
    expect(renewals).toBeLessThanOrEqual(10)
    work.finish()
    expect(await world.outcome(first)).toMatchObject({ source: 'computed' })
    expect(await world.outcome(second)).toMatchObject({ value: 'slow', source: 'awaited' })
    await world.pass(500)
    expect(logged().filter((op) => op === `renew ${LOCK}`)).toHaveLength(renewals)
  })

  test('G08 the lease is stolen meanwhile: fenced, and the key is as it was', async () => {
    const { dust } = await liveTab()
    const work = held('late')
    const call = dust.singleFlight(STORE, KEY, work.compute, { leaseTtl: 60_000 })
    await world.until(work.started)
    world.server.foreign({ op: 'delete', path: LOCK, value: null, opId: 'thief 1' })
    world.server.foreign({
      op: 'lease',
      path: LOCK,
      value: null,
      opId: 'thief 2',
      ttlMs: 60_000,
      holder: 'x',
    })
    work.finish()
    const seen: unknown[] = []
    dust.on(STORE, KEY, ({ value }) => seen.push(value))
    await expect(world.outcome(call)).rejects.toMatchObject({ name: 'LeaseError', code: 'fenced' })
    expect(await world.outcome(dust.get(STORE, KEY))).toBeUndefined()
    expect([seen, await world.outcome(dust.rejections.list(STORE))]).toEqual([[], []])
    expect(logged()).not.toContain(`release ${LOCK}`)
  })

  test('a value that was published before the lease was granted is found, and nothing runs', async () => {
    const { dust } = await liveTab()
    world.server.holdBroadcasts = true
    world.server.foreign({ op: 'set', path: KEY, value: '"theirs"', opId: 'x' })
    const call = dust.singleFlight<string>(STORE, KEY, () => expect.unreachable())
    await world.until(() => logged().includes(`lease ${LOCK}`))
    await world.pass(50)
    world.server.releaseBroadcasts()
    expect(await world.outcome(call)).toMatchObject({ value: 'theirs', source: 'cached' })
    await world.until(() => logged().at(-1) === `release ${LOCK}`)
  })

  test('the function’s signal aborts when the lease is lost', async () => {
    const { dust } = await liveTab()
    const work = held('late')
    const call = dust.singleFlight(STORE, KEY, work.compute, SHORT)
    await world.until(work.started)
    expect(work.flights[0]?.signal.aborted).toBe(false)
    world.server.foreign({ op: 'delete', path: LOCK, value: null, opId: 'thief' })
    await world.until(() => work.flights[0]?.signal.aborted === true)
    work.finish()
    await expect(world.outcome(call)).rejects.toMatchObject({ code: 'fenced' })
  })
})

describe('the holder does not publish in time', () => {
  const stuck = async (): Promise<WorldTab> => {
    const [ann, ben] = [await liveTab('ann'), await liveTab('ben')]
    const lease = await world.outcome(ann.dust.lease(STORE, LOCK, { ttlMs: 60_000 }))
    expect(lease).not.toBeNull()
    return ben
  }

  test('G09 with a predicate, the old value, marked as stale', async () => {
    const ben = await stuck()
    await world.outcome(ben.dust.put(STORE, KEY, '"old"').committed)
    const call = ben.dust.singleFlight<string>(STORE, KEY, () => expect.unreachable(), {
      ...SHORT,
      fresh: (value) => value !== 'old',
    })
    expect(await world.outcome(call)).toEqual({
      value: 'old',
      source: 'cached',
      stale: true,
      coordinated: true,
    })
  })

  test('G10 without one, a timeout', async () => {
    const ben = await stuck()
    const before = world.now()
    const call = ben.dust.singleFlight<string>(STORE, KEY, () => expect.unreachable(), SHORT)
    await expect(world.outcome(call)).rejects.toBeInstanceOf(SingleFlightTimeoutError)
    expect(world.now() - before).toBeGreaterThanOrEqual(SHORT.waitTimeout)
    expect(world.now() - before).toBeLessThan(SHORT.waitTimeout + 300)
  })

  test('a signal ends the wait of its call, and of no other', async () => {
    const ben = await stuck()
    const end = new AbortController()
    const none = (): never => expect.unreachable()
    const left = ben.dust.singleFlight<string>(STORE, KEY, none, { ...SHORT, signal: end.signal })
    const stays = ben.dust.singleFlight<string>(STORE, KEY, none, SHORT)
    await world.pass(50)
    end.abort('enough')
    await expect(world.outcome(left)).rejects.toBe('enough')
    world.server.foreign({ op: 'set', path: KEY, value: '"at last"', opId: 'x' })
    expect(await world.outcome(stays)).toMatchObject({ value: 'at last', source: 'awaited' })
  })
})

describe('without a server', () => {
  test('G11 run-local: the function gets no lease, and its value is queued', async () => {
    const { dust } = await liveTab()
    dust.setOnline(false)
    await world.until(() => world.network.peers.every(({ open }) => !open))
    const call = dust.singleFlight(STORE, KEY, ({ lease, publish }) => publish({ lease }))
    expect(await world.outcome(call)).toEqual({
      value: { lease: null },
      source: 'computed',
      stale: false,
      coordinated: false,
    })
    expect(await world.outcome(dust.status(STORE))).toMatchObject({
      pending: { count: 1, heldBy: 'no-network' },
    })
    dust.setOnline(true)
    await world.outcome(dust.synced(STORE))
    expect(world.server.model.get(KEY)?.value).toBe('{"lease":null}')
  })

  test('G12 error: unavailable, and nothing runs', async () => {
    const { dust } = await liveTab()
    dust.setOnline(false)
    await world.until(() => world.network.peers.every(({ open }) => !open))
    const call = dust.singleFlight<string>(STORE, KEY, () => expect.unreachable(), { onUnavailable: 'error' })
    await expect(world.outcome(call)).rejects.toMatchObject({ name: 'LeaseError', code: 'unavailable' })
  })

  test('a page that is just connecting waits for that, and is coordinated', async () => {
    const { dust } = world.open()
    const call = dust.singleFlight(STORE, KEY, ({ publish }) => publish(1))
    expect(await world.outcome(call)).toMatchObject({ source: 'computed', coordinated: true })
  })

  test('F24 other refusals surface, and nothing runs uncoordinated', async () => {
    const { dust } = await liveTab()
    const none = (): never => expect.unreachable()
    world.server.limitedUntil = world.now() + 60_000
    const limited = dust.singleFlight<string>(STORE, KEY, none)
    await expect(world.outcome(limited)).rejects.toBeInstanceOf(RateLimitedError)
    world.server.limitedUntil = 0
    await world.outcome(dust.put(STORE, LOCK, 'no lease').committed)
    const occupied = dust.singleFlight<string>(STORE, KEY, none)
    await expect(world.outcome(occupied)).rejects.toBeInstanceOf(LeaseError)
    await expect(occupied).rejects.toMatchObject({ code: 'occupied' })
  })
})

describe('calls of one page', () => {
  test('G13 five at once are one attempt; one has computed, the others have waited', async () => {
    const { dust } = await liveTab()
    let runs = 0
    const calls = Array.from({ length: 5 }, () =>
      dust.singleFlight(STORE, KEY, ({ publish }) => {
        runs += 1
        return publish(runs)
      }),
    )
    const results = await world.outcome(Promise.all(calls))
    expect(runs).toBe(1)
    expect(results.map(({ source }) => source)).toEqual([
      'computed',
      'awaited',
      'awaited',
      'awaited',
      'awaited',
    ])
    expect(leaseAttempts()).toBe(1)
  })

  test('a call with a stricter predicate than the flight it joined goes on by itself', async () => {
    const { dust } = await liveTab()
    const work = held(1)
    const first = dust.singleFlight(STORE, KEY, work.compute)
    await world.until(work.started)
    const second = dust.singleFlight(STORE, KEY, ({ publish }) => publish(2), { fresh: (value) => value > 1 })
    work.finish()
    expect(await world.outcome(first)).toMatchObject({ value: 1 })
    expect(await world.outcome(second)).toMatchObject({ value: 2, source: 'computed' })
  })

  test('a lease taken with another lock key, and options that are wrong', async () => {
    const { dust } = await liveTab()
    const call = dust.singleFlight(STORE, KEY, ({ publish }) => publish(1), { lockKey: 'locks/rates' })
    await world.outcome(call)
    expect(logged()[0]).toBe('lease locks/rates')
    const run: FlightFunction<number> = ({ publish }) => publish(1)
    // @ts-expect-error misspelt
    await expect(dust.singleFlight(STORE, KEY, run, { leaseTTL: 5 })).rejects.toMatchObject({
      fields: { meant: 'leaseTtl' },
    })
    await expect(dust.singleFlight(STORE, KEY, run, { leaseTtl: 0 })).rejects.toThrow('leaseTtl')
  })
})

test('the leader goes while its function runs elsewhere: the lease is kept, and the value published', async () => {
  const [leader, follower] = [await liveTab(), await liveTab()]
  const work = held('survives')
  const call = follower.dust.singleFlight(STORE, KEY, work.compute, { leaseTtl: 1_500 })
  await world.until(work.started)
  leader.kill()
  await world.until(() => follower.leading)
  work.finish()
  expect(await world.outcome(call)).toMatchObject({
    value: 'survives',
    source: 'computed',
    coordinated: true,
  })
  expect(logged().filter((op) => op === `set ${KEY}`)).toHaveLength(1)
})

test('a value whose text no entry may hold is refused, and the lease goes back', async () => {
  const { dust } = await liveTab()
  const parts = Array.from({ length: 7 }, () => 'x'.repeat(10_000))
  const flight = dust.singleFlight(STORE, KEY, ({ publish }) => publish({ parts: { ...parts } }))
  await expect(world.outcome(flight)).rejects.toThrow(`singleFlight ${KEY}: The value is 7`)
  expect(logged()).toEqual([`lease ${LOCK}`, `release ${LOCK}`])
})
