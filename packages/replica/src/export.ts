import { compareUtf8, descendantRange, type EntryType, type JsonValue } from '@dustlayer/protocol'
import { type ConfirmedRow, type EntryTable, type PathRange, rowChunks } from './entry-table.js'
import type { LocalOp } from './local-op.js'
import type { Meta } from './meta.js'
import type { Outbox, PendingOp } from './outbox.js'
import type { RejectedWrite, Rejections } from './rejections.js'
import { finish, type Steps } from './steps.js'
import type { Touched } from './touched.js'

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
  /** Calls the listener after each transaction that touched something, until the returned function is called. */
  onTouched(listener: (touched: Touched) => void): () => void
}

/** So many changed places are read once more in the last step. */
const FEW = 100

/** After so many rounds all that has changed is read in the last step. */
const ROUNDS = 20

/**
 * Everything as it is in the moment of the last step: what has changed since its row was read is read once more, and
 * so on until little has.
 */
export function* exportReplica(exported: Exported): Steps<ReplicaExport> {
  const { store, meta, confirmed, outbox, rejections } = exported
  const changes = collectChanges(exported)
  const copy = createConfirmedCopy(confirmed)
  try {
    yield* copy.readAll()
    for (let round = 0; round < ROUNDS && changes.count > FEW; round++) yield* copy.readAgain(changes.take())
    finish(copy.readAgain(changes.take()))
    return {
      version: 1,
      store,
      cursor: meta.cursor(),
      incarnation: meta.server().incarnation,
      entries: copy.entries,
      outbox: Array.from(outbox.all(), exportedOp),
      rejections: rejections.list(),
    }
  } finally {
    changes.stop()
  }
}

/** The places at which the confirmed state has changed since they were last taken. */
interface Changes {
  readonly count: number
  take(): Touched
  stop(): void
}

function collectChanges({ meta, onTouched }: Pick<Exported, 'meta' | 'onTouched'>): Changes {
  let parts = new Map<string, 'leaf' | 'subtree'>()
  let all = false
  let cursor = meta.cursor()
  const stop = onTouched((touched) => {
    if (touched === 'everything') all = true
    // Writes of this device change the outbox only, until they come back.
    else if (meta.cursor() !== cursor)
      for (const [path, part] of touched) if (parts.get(path) !== 'subtree') parts.set(path, part)
    cursor = meta.cursor()
  })
  return {
    get count() {
      return all ? Number.POSITIVE_INFINITY : parts.size
    },
    take() {
      const taken = all ? 'everything' : parts
      parts = new Map()
      all = false
      return taken
    },
    stop,
  }
}

interface ConfirmedCopy {
  /** In path order. */
  readonly entries: readonly ExportedEntry[]
  readAll(): Steps<void>
  readAgain(touched: Touched): Steps<void>
}

function createConfirmedCopy(confirmed: EntryTable): ConfirmedCopy {
  let entries: ExportedEntry[] = []

  const toEntry = ({ path, text, type, seq }: ConfirmedRow): ExportedEntry => ({
    path,
    value: confirmed.parse(text),
    type,
    seq,
  })

  const replace = (range: PathRange): void => {
    const fresh = Array.from(rowChunks(confirmed, range), (rows) => rows.map(toEntry)).flat()
    const start = firstAtOrAfter(entries, range.from)
    const end = range.to === null ? entries.length : firstAtOrAfter(entries, range.to)
    // Nothing is spread: there may be more than a call takes arguments.
    if (fresh.length === 0) entries.splice(start, end - start)
    else entries = entries.slice(0, start).concat(fresh, entries.slice(end))
  }

  function* readAll(): Steps<void> {
    entries = []
    for (const rows of rowChunks(confirmed)) {
      for (const row of rows) entries.push(toEntry(row))
      yield
    }
  }

  return {
    get entries() {
      return entries
    },
    readAll,
    *readAgain(touched) {
      if (touched === 'everything') {
        yield* readAll()
        return
      }
      for (const [path, part] of touched) {
        replace(leafRange(path))
        if (part === 'subtree') replace(descendantRange(path))
        yield
      }
    },
  }
}

/** The least string above a path in byte order is that path followed by NUL. */
function leafRange(path: string): PathRange {
  return { from: path, to: `${path}\0` }
}

function firstAtOrAfter(entries: readonly ExportedEntry[], path: string): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = entries[middle]
    if (entry && compareUtf8(entry.path, path) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function exportedOp({ op, issuedAt, ackedSeq, batch }: PendingOp): ExportedOp {
  return { ...op, issuedAt, ackedSeq, ...(batch && { batchId: batch.id }) }
}
