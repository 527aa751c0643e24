import type { SqlValue } from './driver.js'
import { batchesApart, type Salvage } from './rescue.js'
import type { Row } from './salvage-table.js'

/**
 * What two looks at one outbox tell together: `main` is the database, as far as it can be read, and `copy` was made of
 * it somewhat earlier (or, if the database has lost its last transactions, later). Ops keep their positions, and so
 * their order. What `main` knows as settled is not pending any more, whatever the copy says.
 */
export function mergeSalvages(main: Salvage, copy: Salvage): Salvage {
  const settled = new Map(main.tables.settled.map((row) => [row.op_id, row]))
  const gone = new Set([...settled.keys(), ...idsOf(main.tables.rejections)])
  const placed = new Set([...idsOf(main.tables.outbox), ...idsOf(main.tables.replaced)])
  const before = placesOf(copy.tables.replaced)
  const outbox = new Map(main.tables.outbox.map((row) => [row.position, row]))
  const replaced = [...main.tables.replaced]
  const skipped: Row[] = []

  for (const row of copy.tables.outbox) {
    const { position = null, op_id: opId = null } = row
    const there = outbox.get(position)
    const earlier = before.get(position) ?? []
    if (gone.has(opId)) {
      skipped.push(row)
      continue
    }
    // The database went back to a time when another op had the place.
    if (!there || earlier.includes(there.op_id ?? null)) {
      if (!placed.has(opId)) outbox.set(position, withRevision(row, settled))
    } else if (there.op_id !== opId && !samePath(there, row)) skipped.push(row)
    const now = outbox.get(position)
    if (!now || (now.op_id !== opId && !samePath(now, row))) continue
    // Whoever has the place answers for those that had it before.
    for (const id of [...earlier, opId]) if (id !== now.op_id) replaced.push({ position, op_id: id })
  }

  const rejections = new Map(copy.tables.rejections.map((row) => [row.position, row]))
  for (const row of main.tables.rejections) rejections.set(row.position, row)
  const pending = new Set(Array.from(outbox.values(), (row) => row.op_id))
  return {
    tables: {
      ...main.tables,
      outbox: batchesApart(inOrder(outbox), skipped),
      replaced,
      rejections: inOrder(rejections).filter((row) => !pending.has(row.op_id)),
    },
    complete: main.complete || copy.complete,
  }
}

const idsOf = (rows: readonly Row[]) => rows.map((row) => row.op_id)

function placesOf(replaced: readonly Row[]): ReadonlyMap<SqlValue, readonly SqlValue[]> {
  const places = new Map<SqlValue, SqlValue[]>()
  for (const { position = null, op_id: opId = null } of replaced)
    places.set(position, [...(places.get(position) ?? []), opId])
  return places
}

/** Ops of one place are puts at one path. */
function samePath(a: Row, b: Row): boolean {
  return a.op === 'set' && b.op === 'set' && a.path === b.path
}

/** An op that waited for another matches the revision which that one has by now (invariant I5). */
function withRevision(row: Row, settled: ReadonlyMap<SqlValue | undefined, Row>): Row {
  const revision = settled.get(row.waits_for ?? undefined)?.revision ?? null
  return revision === null ? row : { ...row, if_match: revision, waits_for: null }
}

function inOrder(rows: ReadonlyMap<SqlValue | undefined, Row>): Row[] {
  return [...rows.values()].sort((a, b) => Number(a.position) - Number(b.position))
}
