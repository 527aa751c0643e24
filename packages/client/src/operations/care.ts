import { UnavailableError } from '@dustlayer/protocol'
import type { CheckReport, ReplicaExport } from '@dustlayer/replica'
import { aDuration, aSignal, checkOptions } from '../options.js'
import type { SendCall } from '../page/call-batch.js'
import { callLong } from '../page/long-call.js'
import { randomId } from '../random-id.js'
import { checkStoreName } from '../store-name.js'
import type { DoctorData } from '../tab/calls.js'

export interface SyncedOptions {
  /** Rejects with UnavailableError after so many milliseconds; by default it waits as long as it takes. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Everything that this device has of a store, as plain data in its stored form: a decimal is its envelope, a set the
 * list of its members. Integers beyond 2^53 are bigints, which `JSON.stringify` does not take by itself.
 * @example JSON.stringify(await dust.export('org/app'), (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
 */
export type StoreExport = ReplicaExport

export interface DoctorReport {
  /** Nothing is wrong any more: what was has been mended, or is being built anew from the server's copy. */
  readonly ok: boolean
  /** What the local copy found when it checked itself. */
  readonly local: CheckReport
  /**
   * How it compares with the server's: `equal`; `resynced`, it differed and is built anew; `unsupported`, the server
   * cannot be compared with; `unreachable`, it was not asked.
   */
  readonly server: DoctorData['server']
}

export interface CareOperations {
  /**
   * Resolves when everything written before the call has the server's verdict, and everything that the server had at
   * that moment is here. Waits through outages.
   */
  synced(store: string, options?: SyncedOptions): Promise<void>
  /** For rescue: the confirmed entries, the pending writes and the refused ones. */
  export(store: string): Promise<StoreExport>
  /** Checks the local copy against itself and against the server, and mends what differs. Reads everything. */
  doctor(store: string): Promise<DoctorReport>
}

export interface CareContext {
  readonly call: SendCall
  wait(ms: number): Promise<void>
}

export function createCareOperations({ call, wait }: CareContext): CareOperations {
  const synced = async (store: string, signal: AbortSignal | undefined): Promise<void> => {
    await callLong(call, { kind: 'synced', store, id: randomId('call_') }, signal)
  }

  /** A signal of our own, which also ends with the time or with the caller's. */
  const syncedInTime = async (store: string, ms: number, signal: AbortSignal | undefined): Promise<void> => {
    const end = new AbortController()
    const giveUp = (): void => end.abort(signal?.reason)
    if (signal?.aborted) giveUp()
    signal?.addEventListener('abort', giveUp, { once: true })
    void wait(ms).then(() => end.abort(notSynced(store, ms)))
    try {
      await synced(store, end.signal)
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
  }

  return {
    async synced(store, options) {
      checkOptions('synced', options, { timeoutMs: aDuration, signal: aSignal })
      const { timeoutMs, signal } = options ?? {}
      checkStoreName(store)
      return timeoutMs === undefined ? synced(store, signal) : syncedInTime(store, timeoutMs, signal)
    },
    export: async (store) => call({ kind: 'export', store: checkStoreName(store), id: randomId('call_') }),
    async doctor(store) {
      const { local, server } = await call({
        kind: 'doctor',
        store: checkStoreName(store),
        id: randomId('call_'),
      })
      return { ok: local.ok || server === 'resynced', local, server }
    },
  }
}

function notSynced(store: string, ms: number): UnavailableError {
  return new UnavailableError(
    `${store} was not in step with the server within ${ms} ms. status() tells what stands in the way; nothing is lost.`,
    { store },
  )
}
