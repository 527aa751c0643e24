import {
  type DustError,
  type JsonValue,
  parseJson,
  parsePath,
  stringifyJson,
  toLeafValue,
  toValue,
  type Value,
} from '@dustlayer/protocol'
import { randomId } from '../../random-id.js'
import type { Lease } from '../../tab/calls.js'
import type { Connection } from '../connection.js'
import type { DustEvent } from '../events.js'
import { takeFor } from '../values.js'

/** What the function of a single flight is given. */
export interface Flight {
  /** Null when the server cannot be reached and the work is done without coordination. */
  readonly lease: Lease | null
  /** Aborts when the lease may have been lost: somebody else may be at the same work. */
  readonly signal: AbortSignal
  /** To be returned: the value that everybody gets. Its JSON text is kept as one value, so it has 64 KB at most. */
  publish<T>(value: T): Published<T>
  /** To be returned: there is no value; the next caller may try. */
  abort(reason?: unknown): Aborted
}

export interface Published<T> {
  readonly published: T
}

export interface Aborted {
  readonly aborted: unknown
}

export type Outcome<T> = Published<T> | Aborted

/** Computes the value. It may run again elsewhere when its lease runs out: at least once, not exactly once. */
export type FlightFunction<T> = (flight: Flight) => Outcome<T> | Promise<Outcome<T>>

export interface FlightResult<T> {
  /** As it comes back from the store, for whoever computed it, too. */
  readonly value: T
  /** `cached`: it was there. `computed`: by this call's function. `awaited`: somebody else's, which this call waited for. */
  readonly source: 'cached' | 'computed' | 'awaited'
  /** It is not fresh, but no other came in time. */
  readonly stale: boolean
  /** False when it was computed without a lease, because the server could not be reached. */
  readonly coordinated: boolean
}

/** What a flight does in the world, for one key of one store. */
export interface FlightWorld<T> {
  readonly store: string
  /** Reads the value here; undefined when there is none that is good enough. */
  look(): Promise<{ readonly value: T } | undefined>
  /** The last value that was seen, good enough or not. */
  known(): { readonly value: T } | undefined
  encode(value: T): { readonly text: string; readonly normal: T }
  lease(key: string, ttlMs: number, patienceMs: number): Promise<Lease | null>
  renew(lease: Lease, ttlMs: number): Promise<Lease | null>
  release(lease: Lease): Promise<boolean>
  /** A fenced set of the text, decided by the server before this resolves. */
  publish(path: string, text: string, lease: Lease, patienceMs: number): Promise<boolean>
  /** An ordinary set of the text. Best effort: never rejects. */
  queue(path: string, text: string): Promise<void>
  /** Calls back for committed changes at exactly this path, and when no more can be told. */
  onChange(path: string, until: AbortSignal, told: (event: DustEvent | 'lost') => void): void
  wait(ms: number): Promise<void>
  random(): number
}

/** What of a connection flights need. */
export type FlightConnection = Pick<Connection, 'call' | 'write' | 'subscribe' | 'wait' | 'random' | 'report'>

export function createFlightWorld<T>(
  { call, write, subscribe, wait, random, report }: FlightConnection,
  store: string,
  key: string,
  fresh: ((value: T) => boolean) | undefined,
): FlightWorld<T> {
  let known: { readonly value: T } | undefined
  return {
    store,
    async look() {
      const read = await call({ kind: 'get', store, path: key })
      const found = read?.type === 'string' ? decode<T>(read.value) : undefined
      known = found ?? known
      return found && (!fresh || fresh(found.value)) ? found : undefined
    },
    known: () => known,
    encode(value) {
      const text = stringifyJson(takeFor('singleFlight', key, () => toLeafValue(value)))
      // What is stored is this text.
      takeFor('singleFlight', key, () => toLeafValue(text))
      // What was just encoded can be decoded.
      return { text, normal: (decode<T>(text) as { readonly value: T }).value }
    },
    lease: (lockKey, ttlMs, patienceMs) =>
      call({ kind: 'lease', store, id: randomId('op_'), key: lockKey, ttlMs, holder: null, patienceMs }),
    renew: ({ key: lockKey, token }, ttlMs) => {
      const patienceMs = Math.floor(ttlMs / 3)
      return call({ kind: 'renew', store, id: randomId('op_'), key: lockKey, token, ttlMs, patienceMs })
    },
    release: ({ key: lockKey, token }) =>
      call({ kind: 'release', store, id: randomId('op_'), key: lockKey, token }),
    publish: (path, text, { key: lockKey, token }, patienceMs) => {
      const fence = { key: lockKey, token }
      return call({ kind: 'publish', store, id: randomId('op_'), path, value: text, fence, patienceMs })
    },
    async queue(path, text) {
      await write(store, { op: 'set', path, value: text }).catch((error: DustError) => report(error))
    },
    onChange(path, until, told) {
      subscribe({
        store,
        pattern: parsePath(path),
        mode: 'committed',
        signal: until,
        maxQueueSize: 1_000,
        onResync: () => told('lost'),
        // A star in the path is a wildcard in the pattern.
        onChange: (event) => (event.path === path ? told(event) : undefined),
      })
    },
    wait,
    random,
  }
}

/** Published values are the JSON text of the value, in a string leaf; anything else at the key is no value. */
function decode<T>(text: JsonValue): { readonly value: T } | undefined {
  if (typeof text !== 'string') return undefined
  let value: Value
  try {
    value = toValue(parseJson(text))
  } catch {
    return undefined
  }
  // T is what the callers of this key agree on.
  return { value: value as T }
}
