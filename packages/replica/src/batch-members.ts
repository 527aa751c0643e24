/**
 * Which ops were issued as one batch, in order. It outlasts the batch's place in the outbox: an answer that is on its
 * way counts by all the ops that were sent, also by those that have left since.
 */
export interface BatchMembers {
  /** Empty when none of them is pending. */
  of(batchId: string): readonly string[]
  add(batchId: string, opId: string): void
  /** The op is not pending any more. */
  leave(opId: string): void
  /** After a rollback: forgets the batches of which nothing is pending. */
  retain(isPending: (opId: string) => boolean): void
}

export function createBatchMembers(): BatchMembers {
  const members = new Map<string, Set<string>>()
  const batchOf = new Map<string, string>()
  const pending = new Map<string, number>()

  const count = (batchId: string, change: number): void => {
    const left = (pending.get(batchId) ?? 0) + change
    if (left > 0) {
      pending.set(batchId, left)
      return
    }
    pending.delete(batchId)
    members.delete(batchId)
  }

  const enter = (batchId: string, opId: string): void => {
    if (batchOf.has(opId)) return
    batchOf.set(opId, batchId)
    count(batchId, 1)
  }

  return {
    of: (batchId) => [...(members.get(batchId) ?? [])],
    add(batchId, opId) {
      const there = members.get(batchId) ?? new Set()
      members.set(batchId, there.add(opId))
      enter(batchId, opId)
    },
    leave(opId) {
      const batchId = batchOf.get(opId)
      if (batchId === undefined) return
      batchOf.delete(opId)
      count(batchId, -1)
    },
    retain(isPending) {
      const known = [...members]
      batchOf.clear()
      pending.clear()
      for (const [batchId, opIds] of known) {
        for (const opId of opIds) if (isPending(opId)) enter(batchId, opId)
        if (!pending.has(batchId)) members.delete(batchId)
      }
    },
  }
}
