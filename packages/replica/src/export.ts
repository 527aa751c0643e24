import type { EntryType, JsonValue } from '@dustlayer/protocol'
import { allRows, type EntryTable, rowValue } from './entry-table.js'
import type { LocalOp } from './local-op.js'
import type { Meta } from './meta.js'
import type { Outbox, PendingOp } from './outbox.js'
import type { RejectedWrite, Rejections } from './rejections.js'

/** Everything that a replica holds, as plain data: to be rescued, looked at, or sent with a bug report. */
export interface ReplicaExport {
  readonly version: 1
  readonly store: string
  readonly cursor: number
  readonly incarnation: string | null
  /** The confirmed rows in path order. */
  readonly entries: readonly ExportedEntry[]
  /** Pending ops in issue order. */
  readonly outbox: readonly ExportedOp[]
  /** In the order of their refusal. */
  readonly rejections: readonly RejectedWrite[]
}

export interface ExportedEntry {
  readonly path: string
  readonly value: JsonValue
  readonly type: EntryType
  readonly seq: number
}

export interface ExportedOp extends LocalOp {
  /** Local wall clock at the call, epoch milliseconds. */
  readonly issuedAt: number
  /** The revision that the server has acknowledged, or null. */
  readonly ackedSeq: number | null
  readonly batchId?: string
}

interface Exported {
  readonly store: string
  readonly meta: Meta
  readonly confirmed: EntryTable
  readonly outbox: Outbox
  readonly rejections: Rejections
}

export function exportReplica({ store, meta, confirmed, outbox, rejections }: Exported): ReplicaExport {
  return {
    version: 1,
    store,
    cursor: meta.cursor(),
    incarnation: meta.server().incarnation,
    entries: Array.from(allRows(confirmed), (row) => ({
      path: row.path,
      value: rowValue(row),
      type: row.type,
      seq: row.seq,
    })),
    outbox: Array.from(outbox.all(), exportedOp),
    rejections: rejections.list(),
  }
}

function exportedOp({ op, issuedAt, ackedSeq, batch }: PendingOp): ExportedOp {
  return { ...op, issuedAt, ackedSeq, ...(batch && { batchId: batch.id }) }
}
