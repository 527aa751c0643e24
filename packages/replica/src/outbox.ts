import { toWritePayload } from '@dustlayer/protocol'
import { createBatchMembers } from './batch-members.js'
import { asInteger, asIntegerOrNull, asPosition, asText, asTextOrNull, asTime, fromRows } from './damage.js'
import type { SqliteDriver, SqlValue } from './driver.js'
import { isPlainPut, type LocalOp } from './local-op.js'
import { OP_COLUMN_COUNT, OP_COLUMNS, opFromRow, opParams } from './op-columns.js'
import { createPathTrie } from './path-trie.js'
import { createReplaced } from './replaced.js'
import type { OutboxOp } from './sync-port.js'

export interface PendingOp {
  readonly position: number
  /** Local wall clock at the call, epoch ms. */
  readonly issuedAt: number
  readonly op: LocalOp
  /**
   * The own earlier op that this op's `ifMatch` is about. While that one has no revision this op has to wait for it;
   * afterwards `ifMatch` is that revision.
   */
  readonly waitsFor: string | null
  readonly ackedSeq: number | null
  readonly batch: { readonly id: string; readonly separate: boolean } | null
}

/** How an op goes into the outbox. */
export interface Issue extends Pick<PendingOp, 'issuedAt' | 'waitsFor'> {
  readonly batch?: PendingOp['batch']
}

/** Pending local ops in issue order: durable in the `outbox` table, mirrored here by id and by path. */
export interface Outbox {
  readonly size: number
  readonly oldest: PendingOp | undefined
  readonly newest: PendingOp | undefined
  /** No pending op is behind this position. */
  readonly end: number
  get(opId: string): PendingOp | undefined
  /** The pending op whose verdict will be that of the op: itself, or the one that took its place. */
  answering(opId: string): PendingOp | undefined
  /** The ops whose place this pending op has taken. */
  replacedBy(opId: string): readonly string[]
  all(): Iterable<PendingOp>
  /** Ops at the path, above it and below it, in issue order. */
  touching(path: string): PendingOp[]
  /** The ids of the batch's ops in issue order, as long as one is pending; also of those that are not any more. */
  batchMembers(batchId: string): readonly string[]
  /** Those of them that are pending. */
  ofBatch(batchId: string): PendingOp[]
  append(op: LocalOp, issue: Issue): void
  /**
   * Whether the op may take the place of the newest one, which nobody could tell from having issued the later of two
   * only: both are plain puts at one path, and the newest was never on its way to the server.
   */
  replaces(op: LocalOp): boolean
  /** Puts the op in the place of the newest one. */
  replaceNewest(op: LocalOp, issuedAt: number): void
  /** Takes the op out. What is left of its batch are ops of their own. */
  remove(opId: string): void
  /** Remembers the ack, and gives ops that waited for this one its revision to match. */
  acknowledge(opId: string, seq: number): void
  /** The ack means nothing any more: ops that match its revision wait again. */
  unacknowledge(opId: string): void
  /** Lets ops that waited for this one stand on their own, with the revision given or their original one. */
  release(opId: string, revision: number | null): void
  /** Acknowledged ops whose place in the log is at or before `seq`. */
  ackedUpTo(seq: number): PendingOp[]
  /** Ops for sending; `limit` may be exceeded by the rest of a batch. They keep their places from now on. */
  send(after: number, limit: number): OutboxOp[]
  /** Reads the table anew, after a rollback. */
  reload(): void
}

export const PENDING_COLUMNS = `position, issued_at, waits_for, acked_seq, batch_id, batch_separate, ${OP_COLUMNS}`
const READ = `select ${PENDING_COLUMNS} from outbox order by position`
const INSERT =
  `insert into outbox (position, issued_at, waits_for, batch_id, batch_separate, ${OP_COLUMNS}) values (?, ?, ?, ?, ?` +
  `${', ?'.repeat(OP_COLUMN_COUNT)})`

/** `note` hears of each row that is changed, and whether it is still there. */
export function createOutbox(driver: SqliteDriver, note: (position: number, there: boolean) => void): Outbox {
  const byId = new Map<string, PendingOp>()
  const byPath = createPathTrie<PendingOp[]>()
  const waiting = new Map<string, Set<string>>()
  const acked = new Set<string>()
  const batches = createBatchMembers()
  const replaced = createReplaced(driver)
  /** The op at each place that others had before. */
  const successors = new Map<number, string>()
  let newest: PendingOp | undefined
  let lastPosition = 0
  /** What has been read for sending, up to here; what an earlier run of this program has read is unknown. */
  let readThrough = 0

  const remember = (pending: PendingOp): void => {
    const { op, waitsFor, batch } = pending
    byId.set(op.opId, pending)
    const there = byPath.get(op.path)
    if (there) there.push(pending)
    else byPath.set(op.path, [pending])
    if (waitsFor !== null) addTo(waiting, waitsFor, op.opId)
    if (batch) batches.add(batch.id, op.opId)
    if (pending.ackedSeq !== null) acked.add(op.opId)
    newest = pending
    lastPosition = Math.max(lastPosition, pending.position)
  }

  const newestOp = (): PendingOp | undefined => {
    if (!newest) for (const pending of byId.values()) newest = pending
    return newest
  }

  /** Leaves the order of ops as it is. */
  const update = (pending: PendingOp): void => {
    byId.set(pending.op.opId, pending)
    const there = byPath.get(pending.op.path) ?? []
    byPath.set(
      pending.op.path,
      there.map((other) => (other.op.opId === pending.op.opId ? pending : other)),
    )
    if (newest?.op.opId === pending.op.opId) newest = pending
  }

  const forget = ({ op, waitsFor }: PendingOp): void => {
    byId.delete(op.opId)
    acked.delete(op.opId)
    batches.leave(op.opId)
    if (waitsFor !== null) waiting.get(waitsFor)?.delete(op.opId)
    const rest = (byPath.get(op.path) ?? []).filter((other) => other.op.opId !== op.opId)
    if (rest.length > 0) byPath.set(op.path, rest)
    else byPath.delete(op.path)
    if (newest?.op.opId === op.opId) newest = undefined
  }

  /** The ops that wait for this one, or match its revision. */
  const waitersOf = (opId: string): PendingOp[] =>
    [...(waiting.get(opId) ?? [])].flatMap((waiter) => byId.get(waiter) ?? [])

  const setMatch = (pending: PendingOp, revision: number | null, waitsFor: string | null): void => {
    const op = revision === null ? pending.op : { ...pending.op, ifMatch: revision }
    driver.run('update outbox set waits_for = ?, if_match = ? where position = ?', [
      waitsFor,
      op.ifMatch ?? null,
      pending.position,
    ])
    note(pending.position, true)
    update({ ...pending, op, waitsFor })
  }

  const ofBatch: Outbox['ofBatch'] = (batchId) => batches.of(batchId).flatMap((opId) => byId.get(opId) ?? [])

  const dissolve = (batchId: string): void => {
    const rest = ofBatch(batchId)
    const [first, last] = [rest[0], rest.at(-1)]
    if (!first || !last) return
    driver.run(
      'update outbox set batch_id = null, batch_separate = null where position between ? and ? and batch_id = ?',
      [first.position, last.position, batchId],
    )
    for (const pending of rest) {
      note(pending.position, true)
      update({ ...pending, batch: null })
    }
  }

  const reload = (): void => {
    byId.clear()
    byPath.clear()
    waiting.clear()
    acked.clear()
    newest = undefined
    const rows = driver.all(READ)
    fromRows(driver, 'outbox', () => {
      let before = 0
      for (const row of rows) {
        const pending = pendingFromRow(row)
        const { position, op } = pending
        if (position <= before) throw new TypeError(`${position} behind ${before}`)
        if (byId.has(op.opId)) throw new TypeError(`two ops ${op.opId}`)
        before = position
        remember(pending)
      }
    })
    batches.retain((opId) => byId.has(opId))
    replaced.reload()
    successors.clear()
    for (const { position, op } of byId.values())
      if (replaced.at(position).length > 0) successors.set(position, op.opId)
  }

  const toOutboxOp = ({ position, op, waitsFor, ackedSeq, batch }: PendingOp): OutboxOp => {
    const base = waitsFor === null ? undefined : byId.get(waitsFor)
    return {
      position,
      opId: op.opId,
      payload: toWritePayload(op),
      waitsFor: base && base.ackedSeq === null ? base.op.opId : null,
      acked: ackedSeq !== null,
      batch: batch && { ...batch, size: batches.of(batch.id).length },
    }
  }

  reload()
  readThrough = lastPosition
  return {
    get size() {
      return byId.size
    },
    get oldest() {
      return byId.values().next().value
    },
    get newest() {
      return newestOp()
    },
    get end() {
      return lastPosition
    },
    get: (opId) => byId.get(opId),
    answering(opId) {
      const position = replaced.place(opId)
      return byId.get(position === undefined ? opId : (successors.get(position) ?? ''))
    },
    replacedBy: (opId) => replaced.at(byId.get(opId)?.position ?? 0),
    all: () => byId.values(),
    touching(path) {
      const found = byPath.above(path)
      for (const [, ops] of byPath.within(path)) found.push(ops)
      return found.flat().sort((a, b) => a.position - b.position)
    },
    batchMembers: batches.of,
    ofBatch,
    append(op, { issuedAt, waitsFor, batch = null }) {
      const position = lastPosition + 1
      driver.run(INSERT, [
        position,
        issuedAt,
        waitsFor,
        batch?.id ?? null,
        batch && (batch.separate ? 1 : 0),
        ...opParams(op),
      ])
      note(position, true)
      remember({ position, issuedAt, op, waitsFor, ackedSeq: null, batch })
    },
    replaces(op) {
      const last = newestOp()
      if (!last || last.position <= readThrough || last.batch) return false
      return (
        last.op.path === op.path && isPlainPut(op) && isPlainPut(last.op) && replaced.hasRoom(last.position)
      )
    },
    replaceNewest(op, issuedAt) {
      const last = newestOp()
      if (!last) return
      const { position, op: before } = last
      const columns = OP_COLUMNS.replaceAll(',', ' = ?,')
      driver.run(`update outbox set issued_at = ?, ${columns} = ? where position = ?`, [
        issuedAt,
        ...opParams(op),
        position,
      ])
      replaced.add(position, before.opId)
      note(position, true)
      successors.set(position, op.opId)
      forget(last)
      remember({ position, issuedAt, op, waitsFor: null, ackedSeq: null, batch: null })
    },
    remove(opId) {
      const pending = byId.get(opId)
      if (!pending) return
      driver.run('delete from outbox where position = ?', [pending.position])
      note(pending.position, false)
      replaced.remove(pending.position)
      successors.delete(pending.position)
      forget(pending)
      if (pending.batch) dissolve(pending.batch.id)
    },
    acknowledge(opId, seq) {
      const pending = byId.get(opId)
      if (!pending) return
      driver.run('update outbox set acked_seq = ? where position = ?', [seq, pending.position])
      update({ ...pending, ackedSeq: seq })
      acked.add(opId)
      for (const waiter of waitersOf(opId)) setMatch(waiter, seq, opId)
    },
    unacknowledge(opId) {
      const pending = byId.get(opId)
      if (!pending) return
      driver.run('update outbox set acked_seq = null where position = ?', [pending.position])
      update({ ...pending, ackedSeq: null })
      acked.delete(opId)
    },
    release(opId, revision) {
      for (const waiter of waitersOf(opId)) setMatch(waiter, revision, null)
      waiting.delete(opId)
    },
    ackedUpTo: (seq) =>
      [...acked]
        .flatMap((opId) => byId.get(opId) ?? [])
        .filter(({ ackedSeq }) => ackedSeq !== null && ackedSeq <= seq),
    send(after, limit) {
      const ops: OutboxOp[] = []
      for (const pending of byId.values()) {
        if (pending.position <= after) continue
        const begun = pending.batch !== null && pending.batch.id === ops.at(-1)?.batch?.id
        if (ops.length >= limit && !begun) break
        ops.push(toOutboxOp(pending))
      }
      readThrough = Math.max(readThrough, ops.at(-1)?.position ?? 0)
      return ops
    },
    reload,
  }
}

function addTo(sets: Map<string, Set<string>>, key: string, member: string): void {
  const members = sets.get(key) ?? new Set()
  sets.set(key, members.add(member))
}

/**
 * The op of {@link PENDING_COLUMNS}.
 * @throws Error when the row cannot have been written by `append`.
 */
export function pendingFromRow(row: readonly SqlValue[]): PendingOp {
  const [position, issuedAt, waitsFor, ackedSeq, batchId, separate, ...op] = row
  return {
    position: asPosition(position),
    issuedAt: asTime(issuedAt),
    op: opFromRow(op),
    waitsFor: asTextOrNull(waitsFor),
    ackedSeq: asIntegerOrNull(ackedSeq),
    batch: batchId === null ? null : { id: asText(batchId), separate: asInteger(separate) === 1 },
  }
}
