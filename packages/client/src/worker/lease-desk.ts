import {
  type FramePayload,
  type JsonValue,
  LeaseError,
  type Op,
  RejectedError,
  toWritePayload,
  UnavailableError,
} from '@dustlayer/protocol'
import type { Clock, StoreSync, SyncStatus } from '@dustlayer/sync'
import type { CallOf, Lease } from '../tab/calls.js'

export type LeaseCall = CallOf<'lease' | 'renew' | 'release' | 'publish'>

export interface LeaseDeskOptions {
  readonly store: string
  readonly sync: StoreSync
  readonly clock: Clock
  /** Names the holder of leases that are asked for without one. */
  readonly deviceId: string
}

/** How long a call that an earlier leader did not answer waits for this leader to be connected. */
const TAKEOVER_PATIENCE_MS = 10_000

/**
 * Lease ops go straight to the server, past the outbox: only it can decide them, and an answer that comes tomorrow is
 * none. What it decided is applied here before the caller hears of it, so that a read or a fenced write that follows
 * finds it. A call that is repeated carries the same op id, and our server repeats its answer.
 */
export function createLeaseDesk({ store, sync, clock, deviceId }: LeaseDeskOptions) {
  const ask = async (op: Op, patienceMs: number, signal: AbortSignal): Promise<FramePayload> => {
    if (patienceMs > 0) await attempted(sync, clock, patienceMs, signal)
    try {
      const response = await sync.request('write', toWritePayload(op), { signal })
      await applied(sync, response.store_seq)
      return response
    } catch (cause) {
      if (!(cause instanceof UnavailableError)) throw cause
      throw new LeaseError(
        'unavailable',
        `${store} ${op.path}: there is no connection to the server, and nobody else can decide about a lease. Try again when status().connection is 'live'.`,
        { store, path: op.path },
        { cause },
      )
    }
  }

  /** The lease in the answer, or null when the reason is one that the caller has to expect. */
  const leased = async (
    key: string,
    expected: string,
    answer: Promise<FramePayload>,
  ): Promise<Lease | null> => {
    try {
      const { token, expires_at: expiresAt, holder = null } = await answer
      if (typeof token === 'number' && typeof expiresAt === 'number') return { key, token, expiresAt, holder }
    } catch (error) {
      if (error instanceof LeaseError && error.code === expected) return null
      throw error
    }
    const message = `${store} ${key}: the server's answer to a lease op has no token or no end.`
    throw new RejectedError('unexpected_reply', message, { store, path: key })
  }

  /** @throws LeaseError `unavailable` without a connection, `occupied` or `fenced` as the server says. */
  return async (call: LeaseCall, again: boolean, signal: AbortSignal): Promise<Lease | boolean | null> => {
    const patience = (ms: number): number => (again ? Math.max(ms, TAKEOVER_PATIENCE_MS) : ms)
    switch (call.kind) {
      case 'lease': {
        const { id, key, ttlMs, holder, patienceMs } = call
        const op: Op = { op: 'lease', path: key, value: null, opId: id, ttlMs, holder: holder ?? deviceId }
        return leased(key, 'held', ask(op, patience(patienceMs), signal))
      }
      case 'renew': {
        const { id, key, token, ttlMs, patienceMs } = call
        const op: Op = { op: 'renew', path: key, value: null, opId: id, ttlMs, token }
        return leased(key, 'not_held', ask(op, patience(patienceMs), signal))
      }
      case 'release': {
        const { id, key, token } = call
        const op: Op = { op: 'release', path: key, value: null, opId: id, token }
        const { released } = await ask(op, patience(0), signal)
        return released !== false
      }
      case 'publish': {
        const { id, path, value, fence, patienceMs } = call
        await ask({ op: 'set', path, value, opId: id, fence }, patience(patienceMs), signal)
        return true
      }
    }
  }
}

/** Resolves when the connection attempt that is under way has an outcome, or the time is up. */
function attempted(sync: StoreSync, clock: Clock, patienceMs: number, signal: AbortSignal): Promise<void> {
  return until(
    sync,
    ({ state }) => state !== 'connecting' && state !== 'catching-up',
    (end) => {
      const clear = clock.setTimer(patienceMs, end)
      signal.addEventListener('abort', end, { once: true })
      return () => {
        clear()
        signal.removeEventListener('abort', end)
      }
    },
  )
}

/** Resolves when the store is here up to `seq`; when the connection is lost, what is missing comes with the next. */
async function applied(sync: StoreSync, seq: JsonValue | undefined): Promise<void> {
  if (typeof seq !== 'number') return
  await until(sync, ({ lastStoreSeq, state }) => lastStoreSeq >= seq || state !== 'live')
}

/** Waits for a status, or for whatever else calls `end`. */
function until(
  sync: StoreSync,
  holds: (status: SyncStatus) => boolean,
  orElse: (end: () => void) => () => void = () => () => undefined,
): Promise<void> {
  if (holds(sync.status())) return Promise.resolve()
  return new Promise((resolve) => {
    const end = (): void => {
      stopListening()
      stopElse()
      resolve()
    }
    const stopListening = sync.onStatus((status) => {
      if (holds(status)) end()
    })
    const stopElse = orElse(end)
  })
}
