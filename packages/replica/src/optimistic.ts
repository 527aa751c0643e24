import {
  changeMembers,
  type Effect,
  type EntryReader,
  eventEffects,
  membersOf,
  planOp,
} from '@dustlayer/protocol'
import type { EntryTable } from './entry-table.js'
import { type LocalOp, unconditional } from './local-op.js'
import type { Outbox } from './outbox.js'
import { createPendingFold, type MemberRun, type PendingFold } from './pending-fold.js'
import { createVisible, type Visible } from './visible.js'

/** The confirmed state with the pending ops applied in order, and what keeps it so. */
export interface Optimistic {
  readonly fold: PendingFold
  readonly visible: Visible
  /** The visible leaves, as plans want them. */
  readonly reader: EntryReader
}

export function createOptimistic(confirmed: EntryTable, outbox: Outbox): Optimistic {
  /** What a pending op does to what is visible now; nothing if it makes no sense there (the server will refuse it). */
  const effectsOf = (op: LocalOp): readonly Effect[] => {
    const plan = planOp(unconditional(op), reader, NO_LEASES)
    return plan.ok ? plan.effects : []
  }

  const effectsOfRun = (run: MemberRun): readonly Effect[] => {
    const [{ op, path }] = run
    const value = changeMembers(membersOf(visible.leaf(path)?.value), run)
    return eventEffects({ op, path, value: [...value] })
  }

  const fold = createPendingFold(outbox, effectsOf, effectsOfRun)
  const visible = createVisible(confirmed, fold.view)
  const reader: EntryReader = {
    get(path) {
      const leaf = visible.leaf(path)
      return leaf && { path, value: leaf.value, type: leaf.type, seq: leaf.revision }
    },
  }
  fold.rebuild()
  return { fold, visible, reader }
}

/** For plans of ops that have nothing to do with leases. */
export const NO_LEASES = { seq: 0, now: 0, leaseExpired: () => false }
