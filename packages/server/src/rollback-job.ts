import {
  assemble,
  type Entry,
  equalValues,
  isAncestor,
  type JsonValue,
  parentPath,
  parsePath,
  type Rejection,
} from '@dustlayer/protocol'
import { accepted, type Reply, rejected } from './reply.js'
import type { Job } from './sequencer.js'
import type { StoreStorage } from './storage.js'
import type { WriteSession } from './write-session.js'

const DEVICE_ID = 'system:rollback'

/**
 * Takes one path, or the subtree below it, back to what it was after `toSeq`, by new ops (spec/semantics.md §10).
 * Leases are a matter of the present and stay as they are.
 */
export function pathRollbackJob(path: string, toSeq: number): Job<Reply> {
  return (session) => {
    const refused = beyondRetention(session.storage, toSeq)
    if (refused) return rejected(refused)
    const { entries, history } = session.storage
    const leases = leasesAround(entries.scan(path))
    const leaf = entries.get(path)
    const target = nodeAt(path, history.entriesAt(toSeq, path))
    const current = nodeAt(path, [...(leaf ? [leaf] : []), ...entries.scan(path)].filter(notLease))
    if (leaf?.type === 'lease' || same(target, current))
      return accepted({ store_seq: session.head(), noop: true })
    if (target === undefined) append(session, 'delete', path, null, toSeq)
    else append(session, 'set', path, target, toSeq)
    restoreLeases(session, leases, toSeq)
    return accepted({ store_seq: session.head() })
  }
}

/** Takes the whole store back: a delete for each leaf that was not there, a set for each that was different. */
export function storeRollbackJob(toSeq: number): Job<Reply> {
  return (session) => {
    const { entries, history } = session.storage
    const refused = beyondRetention(session.storage, toSeq)
    if (refused) return rejected(refused)
    const before = session.appended.length
    const past = new Map(history.entriesAt(toSeq).map((entry) => [entry.path, entry]))
    const present = [...entries.scan()]
    for (const { path, type } of present) {
      // An earlier delete of an ancestor may have taken it along.
      if (type !== 'lease' && !past.has(path) && entries.get(path))
        append(session, 'delete', path, null, toSeq)
    }
    for (const { path, value } of past.values()) {
      const current = entries.get(path)
      if (current?.type === 'lease') continue
      if (!current || !equalValues(current.value, value)) append(session, 'set', path, value, toSeq)
    }
    restoreLeases(session, leasesAround(present), toSeq)
    return accepted({ ops_written: session.appended.length - before })
  }
}

function beyondRetention({ log, history }: StoreStorage, toSeq: number): Rejection | undefined {
  const snapshot = history.snapshot()
  const floor = snapshot ? snapshot.seq : log.first()
  if (floor === null) return { reason: 'no_ops' }
  return toSeq < floor ? { reason: 'beyond_retention' } : undefined
}

function append(
  session: WriteSession,
  op: 'set' | 'delete' | 'merge',
  path: string,
  value: JsonValue,
  toSeq: number,
) {
  session.append({ op, path, value }, { deviceId: DEVICE_ID, clientOpId: `rollback:${toSeq}:${path}` })
}

const notLease = ({ type }: Entry): boolean => type !== 'lease'

function leasesAround(entries: Iterable<Entry>): Entry[] {
  return [...entries].filter((entry) => entry.type === 'lease')
}

/** The leaf at `path`, else the map of what is below it; undefined when there is neither. */
function nodeAt(path: string, entries: readonly Entry[]): JsonValue | undefined {
  const leaf = entries.find((entry) => entry.path === path)
  if (leaf) return leaf.value
  const below = entries.filter((entry) => isAncestor(path, entry.path))
  return below.length > 0 ? assemble(path, below) : undefined
}

function same(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalValues(a, b)
}

/** Setting or deleting a path clears what is below it. A lease there comes back as a merge, token and all. */
function restoreLeases(session: WriteSession, leases: readonly Entry[], toSeq: number): void {
  for (const { path, value } of leases) {
    const parent = parentPath(path)
    if (parent === undefined || parent === null || session.storage.entries.get(path)) continue
    append(session, 'merge', parent, { [parsePath(path).at(-1) as string]: value }, toSeq)
  }
}
