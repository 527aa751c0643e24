import { type Effect, eventEffects, type StoreEventPayload, type WriteOpName } from '@dustlayer/protocol'
import { createAnswers } from './answers.js'
import { type ApplyContext, commit, echoed } from './apply-context.js'
import { following } from './following.js'
import type { PendingOp } from './outbox.js'
import { clearedPaths, createParents, type Parents } from './parents.js'
import { createResync } from './resync.js'
import type { SyncPort } from './sync-port.js'

/** Ops whose effect depends on what they find; only these change when the confirmed state below them does. */
const DEPENDENT: ReadonlySet<WriteOpName> = new Set(['increment', 'add', 'remove'])

export function createSyncPort(context: ApplyContext): SyncPort {
  const { meta, confirmed, outbox, transaction, feed } = context

  /** By its op id alone, which is random: a browser that has lost its device id still knows its own ops. */
  const ownOp = ({ client_op_id: opId }: StoreEventPayload): PendingOp | undefined =>
    opId === null ? undefined : outbox.get(opId)

  const applyEvent = (
    event: StoreEventPayload,
    effects: readonly Effect[],
    parents: Parents,
    { syncedAt, catchUp }: { readonly syncedAt: number; readonly catchUp: boolean },
  ): void => {
    const { store_seq: storeSeq, path } = event
    const pending = ownOp(event)
    feed.committed({ event, effects, own: pending !== undefined, catchUp, mayHaveBelow: parents.has }, () => {
      confirmed.execute(effects, storeSeq, syncedAt, parents)
      if (pending) echoed(context, pending, storeSeq)
    })
    const stale =
      pending || (outbox.size > 0 && outbox.touching(path).some((other) => DEPENDENT.has(other.op.op)))
    if (stale) context.fold.invalidate(path)
    context.touched.op(event)
  }

  /** An op that was acknowledged, and whose echo the confirmed state holds without having named it. */
  const settleCovered = (cursor: number): void => {
    for (const pending of outbox.ackedUpTo(cursor)) {
      commit(context, pending, pending.ackedSeq ?? cursor)
      context.fold.invalidate(pending.op.path)
    }
  }

  return {
    cursor: meta.cursor,
    outbox: (after, limit) => outbox.send(after, limit),
    outboxEnd: () => outbox.end,
    applyEvents(events, { catchUp }) {
      transaction(() => {
        const fresh = following(meta.cursor(), events)
        const last = fresh.at(-1)
        if (!last) return
        feed.expectEvents(fresh)
        const origin = { syncedAt: context.now(), catchUp }
        const effects = fresh.map(eventEffects)
        const parents = createParents(confirmed.withEntriesBelow(clearedPaths(effects.flat())))
        fresh.forEach((event, i) => {
          applyEvent(event, effects[i] ?? [], parents, origin)
        })
        meta.setCursor(last.store_seq)
        settleCovered(last.store_seq)
      })
    },
    ...createAnswers(context),
    ...createResync(context),
    server: meta.server,
    incarnation: () => meta.server().incarnation,
    setServer: (info) => transaction(() => meta.setServer(info)),
    digest: context.digest,
    digestSteps: context.digestSteps,
  }
}
