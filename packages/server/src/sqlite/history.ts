import {
  ancestorsOf,
  descendantRange,
  eventEffects,
  isAncestor,
  type OpName,
  parseJson,
} from '@dustlayer/protocol'
import type { Database } from 'better-sqlite3'
import type { EntryTable, History, OpLog, PageSize, SnapshotInfo, SnapshotLeaf } from '../storage.js'
import { createEntryTable } from './entry-table.js'

/** Leases are a matter of the present: no past state brings them back (spec/semantics.md §10). */
const LEASE_OPS: ReadonlySet<OpName> = new Set<OpName>(['lease', 'renew', 'release'])

type OpRow = [seq: number, op: OpName, path: string, value: string]

export function createHistory(db: Database, log: OpLog): History {
  const newest = db.prepare<[], SnapshotInfo>(
    'SELECT seq, taken_at AS takenAt FROM snapshots ORDER BY seq DESC LIMIT 1',
  )
  const columns = 'SELECT path, value AS valueJson, type, seq FROM snapshot_entries'
  const leaves = db.prepare<[], SnapshotLeaf>(`${columns} ORDER BY path`)
  const leavesAfter = db.prepare<[string], SnapshotLeaf>(`${columns} WHERE path > ? ORDER BY path`)
  const oldest = db
    .prepare<[number, number], OpRow>(
      'SELECT seq, op, path, value FROM ops WHERE seq <= ? ORDER BY seq LIMIT ?',
    )
    .raw()
  const folded = createEntryTable(db, 'snapshot_entries')
  const addSnapshot = db.prepare('INSERT OR REPLACE INTO snapshots (seq, taken_at) VALUES (?, ?)')
  const dropOlder = db.prepare('DELETE FROM snapshots WHERE seq < ?')
  const dropOps = db.prepare('DELETE FROM ops WHERE seq <= ?')

  const replaceLog = (seq: number, now: number): SnapshotInfo => {
    addSnapshot.run(seq, now)
    dropOlder.run(seq)
    dropOps.run(seq)
    return { seq, takenAt: now }
  }

  const compact = db.transaction((now: number): SnapshotInfo | null => {
    if (log.first() === null) return null
    const seq = log.head()
    db.exec('DELETE FROM snapshot_entries; INSERT INTO snapshot_entries SELECT * FROM entries')
    return replaceLog(seq, now)
  })

  const fold = db.transaction((through: number, size: PageSize, now: number): SnapshotInfo | null => {
    const ops: OpRow[] = []
    let bytes = 0
    // The connection cannot write while it iterates.
    for (const op of oldest.iterate(through, size.count)) {
      ops.push(op)
      bytes += op[2].length + op[3].length
      if (bytes >= size.bytes) break
    }
    for (const [seq, op, path, value] of ops) {
      folded.apply(eventEffects({ op, path, value: parseJson(value) }), seq)
    }
    const last = ops.at(-1)
    return last ? replaceLog(last[0], now) : null
  })

  return {
    snapshot: () => newest.get() ?? null,
    snapshotLeaves: () => leaves.all(),
    snapshotPage(after, size) {
      const page: SnapshotLeaf[] = []
      let bytes = 0
      // The first page begins after the empty text, which is no path.
      for (const leaf of leavesAfter.iterate(after ?? '')) {
        if (page.length === size.count || bytes >= size.bytes) return { leaves: page, last: false }
        page.push(leaf)
        bytes += leaf.path.length + leaf.valueJson.length
      }
      return { leaves: page, last: true }
    },
    compact: (now) => compact.immediate(now),
    fold: (through, size, now) => fold.immediate(through, size, now),
    entriesAt: (seq, path) => withReplay(db, (table) => replay(db, table, seq, path)),
  }
}

/** A temporary table of the shape of `entries`, dropped when the body is done. */
function withReplay<T>(db: Database, body: (table: EntryTable) => T): T {
  db.exec(`CREATE TEMP TABLE replay (
    path TEXT PRIMARY KEY, value TEXT NOT NULL, type TEXT NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID`)
  try {
    return body(createEntryTable(db, 'temp.replay'))
  } finally {
    db.exec('DROP TABLE temp.replay')
  }
}

function replay(db: Database, table: EntryTable, seq: number, path: string | undefined) {
  const { condition, params } = path === undefined ? { condition: '1', params: [] } : within(path)
  db.prepare(
    `INSERT INTO temp.replay SELECT * FROM snapshot_entries WHERE type <> 'lease' AND (${condition})`,
  ).run(...params)
  const ancestors = path === undefined ? [] : ancestorsOf(path)
  const touching = [condition, ...ancestors.map(() => 'path = ?')].join(' OR ')
  const rows = db
    .prepare<unknown[], OpRow>(
      `SELECT seq, op, path, value FROM ops WHERE seq <= ? AND (${touching}) ORDER BY seq`,
    )
    .raw()
    // All at once: the connection cannot write while it iterates.
    .all(seq, ...params, ...ancestors)
  for (const [at, op, target, value] of rows) {
    if (LEASE_OPS.has(op)) continue
    const effects = eventEffects({ op, path: target, value: parseJson(value) })
    table.apply(path === undefined ? effects : effects.filter((effect) => reaches(effect, path)), at)
  }
  const entries = [...table.scan()]
  return entries.filter((entry) => entry.type !== 'lease')
}

function within(path: string): { condition: string; params: string[] } {
  const { from, to } = descendantRange(path)
  return { condition: 'path = ? OR (path >= ? AND path < ?)', params: [path, from, to] }
}

/** Puts outside of the wanted subtree are left out; clearing outside of it finds nothing to clear. */
function reaches(effect: { kind: string; path: string }, path: string): boolean {
  return effect.kind !== 'put' || effect.path === path || isAncestor(path, effect.path)
}
