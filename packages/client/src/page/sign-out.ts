import { OptionError, PendingWritesError, UnavailableError } from '@dustlayer/protocol'
import type { CareOperations } from '../operations/care.js'
import { aDuration, checkOptions, oneOf } from '../options.js'
import type { StoreReport } from '../tab/status-report.js'
import type { Connection } from './connection.js'

export interface SignOutOptions {
  /**
   * What becomes of writes that the server has not decided.
   * - `flush`: they are sent first. If that does not succeed in time, or refused writes are still in the inbox,
   *   nothing is removed and the call is refused with PendingWritesError; with UnavailableError when no tab could be
   *   asked in time.
   * - `keep`: this Dust is closed and the data stays on the device, writes included, for the same user's next time.
   * - `discard`: they are lost, like everything else that this instance has on this device.
   */
  readonly pending: 'flush' | 'keep' | 'discard'
  /** How long `flush` may take; 10 s by default. */
  readonly timeoutMs?: number | undefined
}

export interface SignOutContext {
  readonly connection: Pick<Connection, 'call' | 'close' | 'destroy' | 'wait'>
  readonly synced: CareOperations['synced']
}

const TIMEOUT_MS = 10_000
/** Time for the last question, which a tab that serves answers at once. */
const LAST_ANSWER_MS = 1_000

/**
 * Ends a user's time on this device.
 * @throws PendingWritesError as {@link SignOutOptions} says; UnavailableError when `flush` could not find out in time
 * what is pending. Nothing is removed then.
 */
export async function signOut(
  { connection, synced }: SignOutContext,
  options: SignOutOptions,
): Promise<void> {
  checkOptions('signOut', options, { pending: oneOf('flush', 'keep', 'discard'), timeoutMs: aDuration })
  switch (options?.pending) {
    case 'keep':
      return connection.close()
    case 'discard':
      return connection.destroy()
    case 'flush':
      await flush(connection, synced, options.timeoutMs ?? TIMEOUT_MS)
      return connection.destroy()
    default:
      throw new OptionError(
        'signOut needs the option "pending": what becomes of writes that were not sent.',
        {
          option: 'pending',
        },
      )
  }
}

async function flush(
  { call, wait }: SignOutContext['connection'],
  synced: CareOperations['synced'],
  timeoutMs: number,
): Promise<void> {
  /** What calls wait for a tab that serves is none of the caller's time. */
  const inTime = <T>(answer: Promise<T>, end: Promise<void>): Promise<T> =>
    Promise.race([answer, end.then(() => Promise.reject(noAnswer(timeoutMs)))])
  const reportsOf = (stores: readonly string[], end: Promise<void>): Promise<StoreReport[]> =>
    inTime(Promise.all(stores.map((store) => call({ kind: 'status', store }))), end)

  const end = wait(timeoutMs)
  const stores = await inTime(call({ kind: 'stores', store: '' }), end)
  const before = await reportsOf(stores, end)
  await Promise.all(
    before.map(async ({ store, pending }) => {
      // Nothing to wait for: neither a network for a store that owes nothing, nor what only a new token sets free.
      if (pending.count === 0 || pending.heldBy === 'needs-auth' || pending.heldBy === 'store-archived')
        return
      // What is still there afterwards tells more than why it is.
      await Promise.race([synced(store, { timeoutMs }).catch(() => undefined), end])
    }),
  )
  const reports = await reportsOf(stores, wait(LAST_ANSWER_MS))
  const owing = reports.filter(({ pending, rejected }) => pending.count + rejected > 0)
  if (owing.length > 0) throw wouldBeLost(owing)
}

function noAnswer(timeoutMs: number): UnavailableError {
  return new UnavailableError(
    `Signing out could not find out within ${timeoutMs} ms what was not sent yet, because no tab serves this one at the moment. Nothing was removed. Try again, close the other tabs of this site, or sign out with pending: 'keep' or 'discard'.`,
  )
}

function wouldBeLost(owing: readonly StoreReport[]): PendingWritesError {
  const pending = owing.reduce((sum, report) => sum + report.pending.count, 0)
  const rejected = owing.reduce((sum, report) => sum + report.rejected, 0)
  const stores = Object.fromEntries(
    owing.map((report) => {
      const { count, heldBy } = report.pending
      return [report.store, { pending: count, heldBy, rejected: report.rejected }]
    }),
  )
  const message = `Signing out would lose ${pending} writes that were not sent and ${rejected} refused ones that are in the inbox. Nothing was removed. Try again with a network, look at rejections, or sign out with pending: 'keep' or 'discard'.`
  return new PendingWritesError(message, { pending, rejected, stores })
}
