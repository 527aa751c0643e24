import { LeaseError, SingleFlightAbortedError, SingleFlightTimeoutError } from '@dustlayer/protocol'
import type { Lease } from '../../tab/calls.js'
import type { Aborted, FlightFunction, FlightResult, FlightWorld, Outcome } from './flight-world.js'

/** One caller's wish, with all defaults filled in. */
export interface FlightPlan<T> {
  readonly key: string
  readonly lockKey: string
  readonly compute: FlightFunction<T>
  readonly fresh: ((value: T) => boolean) | undefined
  readonly leaseTtl: number
  readonly waitTimeout: number
  readonly onUnavailable: 'run-local' | 'error'
}

/** A wait is over once the whole time that a caller may wait is; what was known then is better than nothing. */
export interface Deadline {
  readonly over: boolean
  readonly passed: Promise<void>
}

const SHORTEST_RETRY_MS = 1
const LONGEST_RETRY_MS = 250
/** A page that has just been opened is about to be connected, which is no reason to work on one's own. */
const CONNECTING_PATIENCE_MS = 5_000

/**
 * The state machine of spec/semantics.md §7 from CLAIM on: one attempt of this client to have the value, by computing
 * it under the lease or by waiting for whoever does.
 *
 * @param world.look also remembers the last value seen; with `fresh` it gives only one that is good enough.
 * @param abandoned aborts when no caller waits any more; it ends waits, never a function that runs.
 */
export async function fly<T>(
  world: FlightWorld<T>,
  plan: FlightPlan<T>,
  deadline: Deadline,
  abandoned: AbortSignal,
): Promise<FlightResult<T>> {
  const gone = aborted(abandoned)
  for (;;) {
    const claimed = await claim(world, plan)
    if (claimed === 'unavailable') return runAlone(world, plan)
    if (claimed && !abandoned.aborted) return runWith(world, plan, claimed)
    if (claimed) await release(world, claimed)
    abandoned.throwIfAborted()
    const value = await waitForOther(world, plan, [deadline.passed, gone])
    abandoned.throwIfAborted()
    if (value) return { value: value.value, source: 'awaited', stale: false, coordinated: true }
    if (!deadline.over) {
      const pause = SHORTEST_RETRY_MS + Math.floor(world.random() * LONGEST_RETRY_MS)
      await Promise.race([world.wait(pause), deadline.passed, gone])
      abandoned.throwIfAborted()
    }
    if (deadline.over) return outOfTime(world, plan)
  }
}

/** What a caller gets whose time is over. */
export function outOfTime<T>({ known, store }: FlightWorld<T>, plan: FlightPlan<T>): FlightResult<T> {
  const last = known()
  if (plan.fresh && last) return { value: last.value, source: 'cached', stale: true, coordinated: true }
  throw new SingleFlightTimeoutError(
    `${store} ${plan.key}: no value came within ${plan.waitTimeout} ms; somebody else holds the lease ${plan.lockKey}.`,
    { store, path: plan.key },
  )
}

async function claim<T>(world: FlightWorld<T>, plan: FlightPlan<T>): Promise<Lease | 'unavailable' | null> {
  try {
    return await world.lease(plan.lockKey, plan.leaseTtl, Math.min(plan.waitTimeout, CONNECTING_PATIENCE_MS))
  } catch (error) {
    // Only lost connectivity: a rate limit or an archived store is no reason to do the same work everywhere.
    if (!isUnavailable(error) || plan.onUnavailable === 'error') throw error
    return 'unavailable'
  }
}

async function runWith<T>(
  world: FlightWorld<T>,
  plan: FlightPlan<T>,
  lease: Lease,
): Promise<FlightResult<T>> {
  // It may have been published, and its lease released, between our look and our claim.
  const published = await world.look()
  if (published) {
    await release(world, lease)
    return { value: published.value, source: 'cached', stale: false, coordinated: true }
  }
  const heartbeat = startHeartbeat(world, plan, lease)
  try {
    // When it throws, the lease is left to run out: the next attempt should not come at once.
    const outcome = await run(plan, lease, heartbeat.lost)
    if (!('published' in outcome)) {
      heartbeat.stop()
      await release(world, lease)
      throw abortedBy(world, plan, outcome)
    }
    const value = await publishUnder(world, plan, lease, outcome.published).finally(heartbeat.stop)
    await release(world, lease)
    return { value, source: 'computed', stale: false, coordinated: true }
  } finally {
    heartbeat.stop()
  }
}

async function publishUnder<T>(
  world: FlightWorld<T>,
  plan: FlightPlan<T>,
  lease: Lease,
  value: T,
): Promise<T> {
  try {
    const { text, normal } = world.encode(value)
    await world.publish(plan.key, text, lease, plan.leaseTtl)
    return normal
  } catch (error) {
    // Who is fenced does not hold the lease any more.
    if (!(error instanceof LeaseError && error.code === 'fenced')) await release(world, lease)
    throw error
  }
}

/** Without a connection: the value is written like any other, and reaches the others when it can. */
async function runAlone<T>(world: FlightWorld<T>, plan: FlightPlan<T>): Promise<FlightResult<T>> {
  const outcome = await run(plan, null, new AbortController().signal)
  if (!('published' in outcome)) throw abortedBy(world, plan, outcome)
  const { text, normal } = world.encode(outcome.published)
  await world.queue(plan.key, text)
  return { value: normal, source: 'computed', stale: false, coordinated: false }
}

async function run<T>(
  { compute }: FlightPlan<T>,
  lease: Lease | null,
  signal: AbortSignal,
): Promise<Outcome<T>> {
  const outcome: unknown = await compute({
    lease,
    signal,
    publish: (value) => ({ published: value }),
    abort: (reason) => ({ aborted: reason }),
  })
  const known =
    typeof outcome === 'object' && outcome !== null && ('published' in outcome || 'aborted' in outcome)
  // What is neither counts as an abort without a reason.
  return known ? (outcome as Outcome<T>) : { aborted: undefined }
}

/** Waits until the value is there, or another attempt is worth while. */
async function waitForOther<T>(
  world: FlightWorld<T>,
  { key, lockKey, leaseTtl }: FlightPlan<T>,
  ends: readonly Promise<unknown>[],
): Promise<{ readonly value: T } | undefined> {
  const off = new AbortController()
  let over = false
  let wake = (): void => undefined
  const end = (): void => {
    over = true
    wake()
  }
  for (const ending of [world.wait(leaseTtl), ...ends]) void ending.then(end)
  // Both before the look: what happens from now on is told.
  world.onChange(key, off.signal, () => wake())
  world.onChange(lockKey, off.signal, (event) => {
    if (event === 'lost' || event.op === 'release' || event.op === 'delete') end()
  })
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve
      })
      const value = await world.look()
      if (value || over) return value
      await woken
    }
  } finally {
    off.abort()
  }
}

interface Heartbeat {
  /** Aborts when the lease could not be renewed. */
  readonly lost: AbortSignal
  readonly stop: () => void
}

function startHeartbeat<T>(world: FlightWorld<T>, { leaseTtl }: FlightPlan<T>, lease: Lease): Heartbeat {
  const lost = new AbortController()
  let beating = true
  const beat = async (): Promise<void> => {
    for (;;) {
      await world.wait(Math.max(Math.floor(leaseTtl / 3), 1))
      if (!beating) return
      const renewed = await world.renew(lease, leaseTtl).catch(() => null)
      if (renewed) continue
      // Publishing will tell whether it matters.
      lost.abort()
      return
    }
  }
  void beat()
  return {
    lost: lost.signal,
    stop() {
      beating = false
    },
  }
}

/** Best effort: a lease that cannot be released runs out. */
async function release<T>(world: FlightWorld<T>, lease: Lease): Promise<void> {
  await world.release(lease).catch(() => undefined)
}

function isUnavailable(error: unknown): boolean {
  return error instanceof LeaseError && error.code === 'unavailable'
}

function abortedBy<T>({ store }: FlightWorld<T>, { key }: FlightPlan<T>, { aborted: reason }: Aborted) {
  return new SingleFlightAbortedError(`${store} ${key}: its function gave no value to publish.`, reason, {
    store,
    path: key,
  })
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
