import { type ApplyContext, commit, echoed } from './apply-context.js'
import type { SnapshotChange } from './change-feed.js'
import { differences } from './differences.js'
import type { SqliteDriver } from './driver.js'
import { createStaging } from './staging.js'
import type { SnapshotEntry, SyncPort } from './sync-port.js'

/** Entries of a single-frame snapshot that are staged at once. */
const CHUNK = 500

type Resync = Pick<
  SyncPort,
  'applySnapshot' | 'staging' | 'stageBegin' | 'stageEntries' | 'stageEvents' | 'stageFinish' | 'stageDrop'
>

/** How the confirmed state is replaced as a whole. */
export function createResync(context: ApplyContext): Resync {
  const { driver, meta, outbox, transaction } = context
  const staging = createStaging(driver, meta, context.now)
  /** Own pending ops that were met among staged events, with the seq that they have there. */
  let echoes = new Map<string, number>()

  const begin = (seq: number, incarnation: string | null): void => {
    staging.begin(seq, incarnation)
    echoes = new Map()
  }

  const finish = (seq: number, reset: boolean): void => {
    staging.expectAt(seq)
    context.feed.replaced(seq, snapshotChanges(driver), staging.swap)
    meta.setCursor(seq)
    if (reset) for (const { op } of outbox.ackedUpTo(Number.POSITIVE_INFINITY)) outbox.unacknowledge(op.opId)
    for (const [opId, echoSeq] of echoes) {
      const pending = outbox.get(opId)
      // What was met in a transaction that was rolled back lies beyond the staged state.
      if (pending && echoSeq <= seq) echoed(context, pending, echoSeq)
    }
    for (const pending of outbox.ackedUpTo(seq)) commit(context, pending, pending.ackedSeq ?? seq)
    context.touched.everything()
    context.fold.rebuild()
  }

  /** What cannot be continued takes room, and no more: what begins next takes its place. */
  const dropLeftover = (): void => {
    try {
      transaction(staging.drop)
    } catch {
      // On a full disk, which must not keep anybody from reading, there may be none to do it.
    }
  }

  if (meta.staged() && !staging.resumable()) dropLeftover()

  return {
    staging: staging.resumable,
    stageBegin: (seq, incarnation) => transaction(() => begin(seq, incarnation)),
    stageEntries: (entries, after) => transaction(() => staging.putEntries(entries, after)),
    stageEvents(events) {
      transaction(() => {
        staging.putEvents(events, ({ client_op_id: opId, store_seq: seq }) => {
          if (opId !== null && outbox.get(opId)) echoes.set(opId, seq)
        })
      })
    },
    stageFinish: (seq, { reset }) => transaction(() => finish(seq, reset)),
    stageDrop: () => transaction(staging.drop),
    applySnapshot(seq, entries) {
      transaction(() => {
        begin(seq, meta.server().incarnation)
        for (const chunk of chunks(entries)) staging.putEntries(chunk, null)
        finish(seq, false)
      })
    },
  }
}

function* snapshotChanges(driver: SqliteDriver): Generator<SnapshotChange> {
  for (const difference of differences(driver)) {
    const { path } = difference
    if (difference.kind === 'vanished') yield { path, now: undefined }
    else yield { path, now: { value: difference.value, type: difference.type, seq: difference.seq } }
  }
}

function* chunks(entries: Iterable<SnapshotEntry>): Generator<SnapshotEntry[]> {
  let chunk: SnapshotEntry[] = []
  for (const entry of entries) {
    chunk.push(entry)
    if (chunk.length < CHUNK) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}
