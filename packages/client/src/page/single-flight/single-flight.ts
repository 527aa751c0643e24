import { normalizePath, OptionError, type PathInput, SingleFlightTimeoutError } from '@dustlayer/protocol'
import { aDuration, aFunction, anything, aSignal, checkOptions, oneOf } from '../../options.js'
import { checkStoreName } from '../../store-name.js'
import { type Deadline, type FlightPlan, fly, outOfTime } from './flight.js'
import {
  createFlightWorld,
  type FlightConnection,
  type FlightFunction,
  type FlightResult,
  type FlightWorld,
} from './flight-world.js'

export interface SingleFlightOptions<T> {
  /** Whether a value that is there is good enough. Without it, any is. */
  readonly fresh?: ((value: T) => boolean) | undefined
  /** How long the lease lasts without a sign of life, in milliseconds; it is renewed while the function runs. 30,000 by default. */
  readonly leaseTtl?: number | undefined
  /** How long to wait for others in all, in milliseconds; `leaseTtl` + 5,000 by default. */
  readonly waitTimeout?: number | undefined
  /**
   * When the server cannot be reached: `'run-local'` (default) runs the function without coordination and queues its
   * value; `'error'` rejects with LeaseError `unavailable`.
   */
  readonly onUnavailable?: 'run-local' | 'error' | undefined
  /** Where the lease is; `_dust:sf/` and the key by default. */
  readonly lockKey?: PathInput | undefined
  /** Ends this call's wait. A function that runs goes on, for the others. */
  readonly signal?: AbortSignal | undefined
}

const LOCK_PREFIX = '_dust:sf/'
const DEFAULT_LEASE_TTL_MS = 30_000
const DEFAULT_EXTRA_WAIT_MS = 5_000

export type SingleFlight = <T>(
  store: string,
  key: PathInput,
  compute: FlightFunction<T>,
  options?: SingleFlightOptions<T>,
) => Promise<FlightResult<T>>

interface OpenFlight {
  readonly result: Promise<FlightResult<unknown>>
  /** Nobody waits any more. */
  readonly abandoned: AbortController
  callers: number
}

/** Calls for the same key in this page share one flight: one lease, one wait, one result. */
export function createSingleFlight(connection: FlightConnection): SingleFlight {
  const flights = new Map<string, OpenFlight>()

  const forget = (id: string, flight: OpenFlight): void => {
    if (flights.get(id) === flight) flights.delete(id)
  }

  const start = <T>(
    id: string,
    world: FlightWorld<T>,
    plan: FlightPlan<T>,
    deadline: Deadline,
  ): OpenFlight => {
    const abandoned = new AbortController()
    const result = fly(world, plan, deadline, abandoned.signal).finally(() => forget(id, flight))
    // Its callers may all have left.
    result.catch(() => undefined)
    const flight: OpenFlight = { result, abandoned, callers: 0 }
    flights.set(id, flight)
    return flight
  }

  const leave = (id: string, flight: OpenFlight): void => {
    flight.callers -= 1
    if (flight.callers > 0) return
    // Who comes now must not be told that those before have left.
    forget(id, flight)
    flight.abandoned.abort()
  }

  return async <T>(
    store: string,
    key: PathInput,
    compute: FlightFunction<T>,
    options?: SingleFlightOptions<T>,
  ): Promise<FlightResult<T>> => {
    const plan = planOf(key, compute, options)
    const signal = options?.signal
    signal?.throwIfAborted()
    const world = createFlightWorld(connection, checkStoreName(store), plan.key, plan.fresh)
    const seen = await world.look()
    if (seen) return { value: seen.value, source: 'cached', stale: false, coordinated: true }
    const id = JSON.stringify([store, plan.key, plan.lockKey])
    const deadline = deadlineIn(connection.wait(plan.waitTimeout))
    for (;;) {
      const joined = flights.get(id)
      const flight = joined ?? start(id, world, plan, deadline)
      flight.callers += 1
      try {
        const result = await inTime(flight.result, signal, joined && deadline)
        if (!result) return outOfTime(world, plan)
        // All callers of a key agree on what its value is.
        const { value } = result as FlightResult<T>
        if (!joined) return { ...result, value }
        if (result.stale || !plan.fresh || plan.fresh(value))
          return { ...result, value, source: othersSource(result) }
      } catch (error) {
        // Who began the flight may have been less patient than this call is.
        if (!joined || !(error instanceof SingleFlightTimeoutError)) throw error
      } finally {
        leave(id, flight)
      }
    }
  }
}

function planOf<T>(
  key: PathInput,
  compute: FlightFunction<T>,
  options: SingleFlightOptions<T> | undefined,
): FlightPlan<T> {
  if (typeof compute !== 'function')
    throw new OptionError('singleFlight needs a function that makes the value.')
  checkOptions('singleFlight', options, {
    fresh: aFunction,
    leaseTtl: aDuration,
    waitTimeout: aDuration,
    onUnavailable: oneOf('run-local', 'error'),
    lockKey: anything,
    signal: aSignal,
  })
  const rendered = normalizePath(key)
  const { fresh, leaseTtl = DEFAULT_LEASE_TTL_MS, onUnavailable = 'run-local', lockKey } = options ?? {}
  return {
    key: rendered,
    lockKey: lockKey === undefined ? `${LOCK_PREFIX}${rendered}` : normalizePath(lockKey),
    compute,
    fresh,
    leaseTtl,
    waitTimeout: options?.waitTimeout ?? leaseTtl + DEFAULT_EXTRA_WAIT_MS,
    onUnavailable,
  }
}

function deadlineIn(passed: Promise<void>): Deadline {
  let over = false
  return {
    get over() {
      return over
    },
    passed: passed.then(() => {
      over = true
    }),
  }
}

/** The result; undefined when the time is over first. @throws the signal's reason when that aborts first. */
function inTime<R>(
  result: Promise<R>,
  signal: AbortSignal | undefined,
  deadline: Deadline | undefined,
): Promise<R | undefined> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal?.reason)
    signal?.addEventListener('abort', aborted, { once: true })
    deadline?.passed.then(() => resolve(undefined))
    result.then(resolve, reject).finally(() => signal?.removeEventListener('abort', aborted))
  })
}

/** To a call that joined, what this flight computed came from somebody else. */
function othersSource({ source }: FlightResult<unknown>): FlightResult<unknown>['source'] {
  return source === 'computed' ? 'awaited' : source
}
