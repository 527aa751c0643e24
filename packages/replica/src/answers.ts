import { BatchError, type DustError, errorToData } from '@dustlayer/protocol'
import { type ApplyContext, commit } from './apply-context.js'
import type { Verdict } from './events.js'
import type { PendingOp } from './outbox.js'
import type { SyncPort } from './sync-port.js'

/** What the server answers to pushed ops. An answer to an op that is not pending (any more) changes nothing. */
export function createAnswers(
  context: ApplyContext,
): Pick<SyncPort, 'ack' | 'ackBatch' | 'reject' | 'rejectBatch'> {
  const { meta, outbox, fold, transaction } = context

  const accept = (pending: PendingOp, storeSeq: number | null): void => {
    const cursor = meta.cursor()
    if (storeSeq === null || storeSeq <= cursor) {
      context.feed.expectLeaving(pending.op)
      commit(context, pending, storeSeq ?? cursor)
      fold.invalidate(pending.op.path)
    } else if (pending.ackedSeq === null) {
      context.announce(pending.op.opId, { state: 'committed', revision: storeSeq })
      outbox.acknowledge(pending.op.opId, storeSeq)
    }
  }

  const refuse = (pending: PendingOp, error: DustError): void => {
    const { path, opId } = pending.op
    const data = errorToData(error)
    const verdict: Verdict = { state: 'rejected', error: data }
    context.feed.expectLeaving(pending.op)
    context.announce(opId, verdict)
    outbox.release(opId, null)
    context.settle(opId, verdict)
    context.rejections.add(pending, data, context.now())
    context.rejectionsChanged()
    fold.invalidate(path)
    context.feed.refused(pending.op, data)
  }

  return {
    ack(opId, storeSeq) {
      const pending = outbox.get(opId)
      if (pending) transaction(() => accept(pending, storeSeq))
    },
    ackBatch(batchId, storeSeqs) {
      const members = outbox.batchMembers(batchId)
      transaction(() => {
        members.forEach((opId, i) => {
          const [pending, seq] = [outbox.get(opId), storeSeqs[i]]
          if (pending && seq !== undefined) accept(pending, seq)
        })
      })
    },
    reject(opId, error) {
      const pending = outbox.get(opId)
      if (pending) transaction(() => refuse(pending, error))
    },
    rejectBatch(batchId, error, opIndex) {
      // As they are now: with the first that leaves, the others are of no batch any more.
      const members = outbox.batchMembers(batchId).map((opId) => outbox.get(opId))
      transaction(() => {
        members.forEach((pending, i) => {
          const concerned = opIndex === null || i === opIndex
          if (pending) refuse(pending, concerned ? error : sharedFate(context.store, pending, error, opIndex))
        })
      })
    },
  }
}

/** The op itself was not at fault. */
function sharedFate(store: string, { op }: PendingOp, { code }: DustError, opIndex: number): BatchError {
  const message = `${store} ${op.path}: not written, because op ${opIndex} of its batch was refused (${code}).`
  return new BatchError(message, { opIndex, reason: code, store, path: op.path })
}
