import {
  type JsonValue,
  type Op,
  parseJson,
  parseWrite,
  type Rejection,
  stringifyJson,
  toWritePayload,
} from '@dustlayer/protocol'
import type { SqliteDriver } from './driver.js'
import { createPathTrie } from './path-trie.js'
import type { OutboxOp } from './sync-port.js'

/** A write as the app issued it, its path rendered and its value checked. Lease ops are not applied optimistically. */
export interface LocalOp {
  readonly op: 'set' | 'delete' | 'merge' | 'increment' | 'add' | 'remove'
  readonly path: string
  readonly value: JsonValue
  /** Made by the caller, once per write, so that a repeated call is the same write. */
  readonly opId: string
  readonly ifMatch?: number
  readonly ifAbsent?: true
}

export interface PendingOp {
  readonly position: number
  /** Local wall clock at the call, epoch ms. */
  readonly issuedAt: number
  readonly op: LocalOp
  readonly waitsFor: string | null
  readonly ackedSeq: number | null
}

/** Pending local ops in issue order: durable in the `outbox` table, mirrored here by id and by path. */
export interface Outbox {
  readonly size: number
  readonly oldest: PendingOp | undefined
  get(opId: string): PendingOp | undefined
  all(): Iterable<PendingOp>
  /** Ops at the path, above it and below it, in issue order. */
  touching(path: string): PendingOp[]
  append(op: LocalOp, waitsFor: string | null, issuedAt: number): void
  remove(opId: string): void
  /** Remembers the ack, and gives ops that waited for this one its revision to match. */
  acknowledge(opId: string, seq: number): void
  /** Lets ops that waited for this one stand on their own, with the revision given or their original one. */
  release(opId: string, revision: number | null): void
  /** Acknowledged ops whose place in the log is at or before `seq`. */
  ackedUpTo(seq: number): PendingOp[]
  send(after: number, limit: number): OutboxOp[]
  /** Reads the table anew, after a rollback. */
  reload(): void
}

export function createOutbox(driver: SqliteDriver): Outbox {
  const byId = new Map<string, PendingOp>()
  const byPath = createPathTrie<PendingOp[]>()
  const waiting = new Map<string, Set<string>>()
  const acked = new Set<string>()
  let lastPosition = 0

  const remember = (pending: PendingOp): void => {
    byId.set(pending.op.opId, pending)
    const there = byPath.get(pending.op.path)
    if (there) there.push(pending)
    else byPath.set(pending.op.path, [pending])
    if (pending.waitsFor !== null) {
      const waiters = waiting.get(pending.waitsFor) ?? new Set()
      waiting.set(pending.waitsFor, waiters.add(pending.op.opId))
    }
    if (pending.ackedSeq !== null) acked.add(pending.op.opId)
    lastPosition = Math.max(lastPosition, pending.position)
  }

  const replace = (pending: PendingOp): void => {
    byId.set(pending.op.opId, pending)
    const there = byPath.get(pending.op.path) ?? []
    byPath.set(
      pending.op.path,
      there.map((other) => (other.op.opId === pending.op.opId ? pending : other)),
    )
  }

  const release: Outbox['release'] = (opId, revision) => {
    for (const waiter of waiting.get(opId) ?? []) {
      const pending = byId.get(waiter)
      if (!pending) continue
      const op = revision === null ? pending.op : { ...pending.op, ifMatch: revision }
      driver.run('update outbox set waits_for = null, if_match = ? where position = ?', [
        op.ifMatch ?? null,
        pending.position,
      ])
      replace({ ...pending, op, waitsFor: null })
    }
    waiting.delete(opId)
  }

  const reload = (): void => {
    byId.clear()
    byPath.clear()
    waiting.clear()
    acked.clear()
    const rows = driver.all(
      'select position, op_id, op, path, value, if_match, if_absent, waits_for, acked_seq, issued_at from outbox order by position',
    )
    for (const row of rows) remember(fromRow(row))
  }

  reload()
  return {
    get size() {
      return byId.size
    },
    get oldest() {
      return byId.values().next().value
    },
    get: (opId) => byId.get(opId),
    all: () => byId.values(),
    touching(path) {
      const found = byPath.above(path)
      for (const [, ops] of byPath.within(path)) found.push(ops)
      return found.flat().sort((a, b) => a.position - b.position)
    },
    append(op, waitsFor, issuedAt) {
      const pending: PendingOp = { position: lastPosition + 1, issuedAt, op, waitsFor, ackedSeq: null }
      driver.run(
        'insert into outbox (position, op_id, op, path, value, if_match, if_absent, waits_for, acked_seq, issued_at) ' +
          'values (?, ?, ?, ?, ?, ?, ?, ?, null, ?)',
        [
          pending.position,
          op.opId,
          op.op,
          op.path,
          stringifyJson(op.value),
          op.ifMatch ?? null,
          op.ifAbsent ? 1 : 0,
          waitsFor,
          issuedAt,
        ],
      )
      remember(pending)
    },
    remove(opId) {
      const pending = byId.get(opId)
      if (!pending) return
      driver.run('delete from outbox where position = ?', [pending.position])
      byId.delete(opId)
      acked.delete(opId)
      const rest = (byPath.get(pending.op.path) ?? []).filter(({ op }) => op.opId !== opId)
      if (rest.length > 0) byPath.set(pending.op.path, rest)
      else byPath.delete(pending.op.path)
    },
    acknowledge(opId, seq) {
      const pending = byId.get(opId)
      if (!pending) return
      driver.run('update outbox set acked_seq = ? where position = ?', [seq, pending.position])
      replace({ ...pending, ackedSeq: seq })
      acked.add(opId)
      release(opId, seq)
    },
    ackedUpTo: (seq) =>
      [...acked]
        .flatMap((opId) => byId.get(opId) ?? [])
        .filter(({ ackedSeq }) => ackedSeq !== null && ackedSeq <= seq),
    release,
    send(after, limit) {
      const ops: OutboxOp[] = []
      for (const { position, op, waitsFor, ackedSeq } of byId.values()) {
        if (position <= after) continue
        if (ops.length === limit) break
        ops.push({ position, opId: op.opId, payload: toWritePayload(op), waitsFor, acked: ackedSeq !== null })
      }
      return ops
    },
    reload,
  }
}

/** Why no store would ever accept this op, if so: the checks that need no look at the entries. */
export function staticFault(op: LocalOp): Rejection | undefined {
  const parsed = parseWrite(toWritePayload(op))
  return parsed.ok ? undefined : parsed.rejection
}

/** The op without its preconditions: those are judged when it is issued and by the server, not on every rebase. */
export function unconditional({ op, path, value, opId }: LocalOp): Op {
  return { op, path, value, opId }
}

/** The columns were written by `append`, so their types are known. */
function fromRow(row: readonly unknown[]): PendingOp {
  const [position, opId, op, path, value, ifMatch, ifAbsent, waitsFor, ackedSeq, issuedAt] = row
  return {
    position: position as number,
    issuedAt: issuedAt as number,
    waitsFor: waitsFor as string | null,
    ackedSeq: ackedSeq as number | null,
    op: {
      op: op as LocalOp['op'],
      path: path as string,
      value: parseJson(value as string),
      opId: opId as string,
      ...(ifMatch !== null && { ifMatch: ifMatch as number }),
      ...(ifAbsent === 1 && { ifAbsent: true }),
    },
  }
}
