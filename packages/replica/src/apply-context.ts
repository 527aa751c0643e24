import type { ChangeFeed } from './change-feed.js'
import type { SqliteDriver } from './driver.js'
import type { EntryTable } from './entry-table.js'
import type { Verdict } from './events.js'
import type { Meta } from './meta.js'
import type { Outbox, PendingOp } from './outbox.js'
import type { PendingFold } from './pending-fold.js'
import type { Rejections } from './rejections.js'
import type { Steps } from './steps.js'
import type { TouchedParts } from './touched.js'

/** What applying the server's word needs of the replica. */
export interface ApplyContext {
  readonly driver: SqliteDriver
  readonly store: string
  readonly deviceId: string
  readonly meta: Meta
  readonly confirmed: EntryTable
  readonly outbox: Outbox
  readonly rejections: Rejections
  readonly fold: PendingFold
  readonly touched: TouchedParts
  readonly feed: ChangeFeed
  now(): number
  transaction<T>(body: () => T): T
  /** Tells the verdict once, also as that of the ops which this one has replaced. */
  announce(opId: string, verdict: Verdict): void
  /** Takes an op out of the outbox and remembers its verdict. */
  settle(opId: string, verdict: Verdict): void
  digest(): string
  digestSteps(): Steps<string>
  /** The list of refused writes has changed. */
  rejectionsChanged(): void
}

/** The confirmed state holds the op at this revision: it leaves the outbox. */
export function commit(context: ApplyContext, { op, ackedSeq }: PendingOp, revision: number): void {
  const verdict: Verdict = { state: 'committed', revision }
  if (ackedSeq === null) context.announce(op.opId, verdict)
  context.outbox.release(op.opId, revision)
  context.settle(op.opId, verdict)
}

/**
 * The server's log has the op at this seq. An atomic batch is in the log whole, one op after the other, so that
 * the places of its other ops are known with the first.
 */
export function echoed(context: ApplyContext, pending: PendingOp, seq: number): void {
  const { batch, position } = pending
  const siblings = batch && !batch.separate ? context.outbox.ofBatch(batch.id) : []
  for (const sibling of siblings) {
    if (sibling.position <= position || sibling.ackedSeq !== null) continue
    const siblingSeq = seq + (sibling.position - position)
    context.announce(sibling.op.opId, { state: 'committed', revision: siblingSeq })
    context.outbox.acknowledge(sibling.op.opId, siblingSeq)
  }
  commit(context, pending, seq)
}
