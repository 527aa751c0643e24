import { OptionError, PendingWritesError } from '@dustlayer/protocol'
import type { CareOperations } from '../operations/care.js'
import { aDuration, checkOptions, oneOf } from '../options.js'
import type { StoreReport } from '../tab/tab-protocol.js'
import type { Connection } from './connection.js'

export interface SignOutOptions {
  /**
   * What becomes of writes that the server has not decided.
   * - `flush`: they are sent first. If that does not succeed in time, or refused writes are still in the inbox,
   *   nothing is removed and the call is refused with PendingWritesError.
   * - `keep`: this Dust is closed and the data stays on the device, writes included, for the same user's next time.
   * - `discard`: they are lost, like everything else that this instance has on this device.
   */
  readonly pending: 'flush' | 'keep' | 'discard'
  /** How long `flush` may take; 10 s by default. */
  readonly timeoutMs?: number | undefined
}

export interface SignOutContext {
  readonly connection: Pick<Connection, 'call' | 'close' | 'destroy'>
  readonly synced: CareOperations['synced']
}

const TIMEOUT_MS = 10_000

/** Ends a user's time on this device. @throws PendingWritesError as {@link SignOutOptions} says. */
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
      await flush(connection.call, synced, options.timeoutMs ?? TIMEOUT_MS)
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
  call: Connection['call'],
  synced: CareOperations['synced'],
  timeoutMs: number,
): Promise<void> {
  const stores = await call({ kind: 'stores', store: '' })
  const statusOf = (store: string): Promise<StoreReport> => call({ kind: 'status', store })
  await Promise.all(
    stores.map(async (store) => {
      const { pending } = await statusOf(store)
      // Nothing to wait for: neither a network for a store that owes nothing, nor what only a new token sets free.
      if (pending.count === 0 || pending.heldBy === 'needs-auth' || pending.heldBy === 'store-archived')
        return
      // What is still there afterwards tells more than why it is.
      await synced(store, { timeoutMs }).catch(() => undefined)
    }),
  )
  const reports = await Promise.all(stores.map(statusOf))
  const owing = reports.filter(({ pending, rejected }) => pending.count + rejected > 0)
  if (owing.length > 0) throw wouldBeLost(owing)
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
