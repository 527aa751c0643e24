import {
  equalValues,
  isEntryType,
  isEnvelope,
  type JsonValue,
  normalizePath,
  parseJson,
} from '@dustlayer/protocol'
import type { SqliteDriver } from './driver.js'
import { type ConfirmedRow, type EntryTable, rowChunks } from './entry-table.js'
import type { Meta } from './meta.js'
import { opParams } from './op-columns.js'
import { createOptimistic, type Optimistic } from './optimistic.js'
import type { Outbox } from './outbox.js'
import { finish, type Steps } from './steps.js'
import type { Visible, VisibleLeaf } from './visible.js'

/** One thing that is not as it should be. */
export interface CheckProblem {
  readonly code:
    | 'database_damaged'
    | 'bad_row'
    | 'bad_waits_for'
    | 'bad_batch'
    | 'stray_rows'
    | 'outbox_differs'
    | 'overlay_differs'
  readonly message: string
  /** The path or op id concerned, where there is one. */
  readonly at: string | null
  /** Whether it is mended now. What is not needs a resync of the store. */
  readonly repaired: boolean
}

/** What a replica found when it checked itself. */
export interface CheckReport {
  /** Nothing was wrong, or all of it is mended. */
  readonly ok: boolean
  /** The first 100. */
  readonly problems: readonly CheckProblem[]
  readonly problemCount: number
  readonly entries: number
  readonly pending: number
}

export interface CheckContext {
  readonly driver: SqliteDriver
  readonly confirmed: EntryTable
  readonly meta: Meta
  readonly outbox: Outbox
  readonly optimistic: Optimistic
  transaction<T>(body: () => T): T
  /** What was shown, or remembered, may have been something else before. */
  mended(): void
}

const MOST_TOLD = 100

/**
 * Looks at everything once, in chunks: is the file sound, is each row what it claims, does what is kept in memory say
 * what the tables say. Mends all that can be derived.
 */
export function* checkReplica(context: CheckContext): Steps<CheckReport> {
  const problems: CheckProblem[] = []
  let problemCount = 0
  let unmended = 0
  const found = (problem: CheckProblem): void => {
    problemCount += 1
    if (!problem.repaired) unmended += 1
    if (problems.length < MOST_TOLD) problems.push(problem)
  }

  for (const message of damage(context.driver)) {
    found({ code: 'database_damaged', message, at: null, repaired: false })
  }
  yield
  const entries = yield* checkRows(context, found)
  const overlay = checkOverlay(context, found)
  context.transaction(() => {
    checkTables(context, found)
    checkOutbox(context, found)
    if (problemCount === 0) return
    // Whoever follows has to read anew, but once. It compares values, so they have to be readable.
    if (unmended === 0) finish(overlay)
    context.mended()
  })
  if (problemCount === 0) yield* overlay
  return { ok: unmended === 0, problems, problemCount, entries, pending: context.outbox.size }
}

type Found = (problem: CheckProblem) => void

function damage(driver: SqliteDriver): string[] {
  return driver
    .all('pragma integrity_check(20)')
    .map(([line]) => String(line))
    .filter((line) => line !== 'ok')
}

function* checkRows({ confirmed, meta }: CheckContext, found: Found): Steps<number> {
  let count = 0
  for (const rows of rowChunks(confirmed)) {
    const cursor = meta.cursor()
    for (const row of rows) {
      const fault = rowFault(row, cursor)
      if (!fault) continue
      const message = `The confirmed entry ${row.path} ${fault}.`
      found({ code: 'bad_row', message, at: row.path, repaired: false })
    }
    count += rows.length
    yield
  }
  return count
}

function rowFault({ path, text, type, seq }: ConfirmedRow, cursor: number): string | undefined {
  if (!isCanonical(path)) return 'has a path that is not canonical'
  if (!isEntryType(type)) return `has the unknown type ${type}`
  if (!Number.isSafeInteger(seq) || seq < 0 || seq > cursor)
    return `has the revision ${seq}, and the cursor is ${cursor}`
  const value = jsonOf(text)
  if (value === undefined) return 'has a value that is no JSON'
  // The envelopes of types that are not known here are leaves of this type.
  return type === 'map' && !isEnvelope(value) ? 'has the type map, and its value is no envelope' : undefined
}

function isCanonical(path: string): boolean {
  try {
    return normalizePath(path) === path
  } catch {
    return false
  }
}

function jsonOf(text: string): JsonValue | undefined {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

/** Rows that belong to nothing, and references to ops that are gone: they can go without a loss. */
function checkTables({ driver, meta }: CheckContext, found: Found): void {
  const repair = (code: CheckProblem['code'], message: string, where: string, mend: string): void => {
    const rows = driver.all(`select op_id from ${where}`)
    if (rows.length === 0) return
    driver.run(mend)
    for (const [opId] of rows) found({ code, message, at: String(opId), repaired: true })
  }
  repair(
    'bad_waits_for',
    'The pending op waited for an op that is not pending.',
    'outbox where waits_for is not null and waits_for not in (select op_id from outbox)',
    'update outbox set waits_for = null where waits_for not in (select op_id from outbox)',
  )
  repair(
    'bad_batch',
    'The pending op belonged to a batch that is torn apart; it is an op of its own now.',
    `outbox where batch_id in (${TORN})`,
    `update outbox set batch_id = null, batch_separate = null where batch_id in (${TORN})`,
  )
  repair(
    'stray_rows',
    'A replaced op had no op in its place.',
    'replaced where position not in (select position from outbox)',
    'delete from replaced where position not in (select position from outbox)',
  )
  if (!meta.staged() && driver.all('select 1 from staged limit 1').length > 0) {
    driver.run('delete from staged')
    found({ code: 'stray_rows', message: 'Staged entries belonged to nothing.', at: null, repaired: true })
  }
}

function checkOutbox({ outbox }: CheckContext, found: Found): void {
  const before = mirror(outbox)
  outbox.reload()
  if (mirror(outbox) === before) return
  const message = 'The outbox in memory was not what the database has; it is now.'
  found({ code: 'outbox_differs', message, at: null, repaired: true })
}

function mirror(outbox: Outbox): string {
  const rows = Array.from(outbox.all(), ({ position, op, waitsFor, ackedSeq, batch }) => [
    position,
    waitsFor,
    ackedSeq,
    batch,
    ...opParams(op),
  ])
  return JSON.stringify(rows)
}

/** What readers see against a fold of the outbox that begins with nothing. */
function* checkOverlay(context: CheckContext, found: Found): Steps<void> {
  // Everything is read twice, for what differs only where something is pending.
  if (context.outbox.size === 0 && context.optimistic.fold.view.empty) return
  const expected = createExpectation(context)
  for (let from: string | null = ''; from !== null; ) {
    from = compareFrom(from, expected(), context, found)
    yield
  }
}

/** A fold that is made anew when there is something else to fold, or to fold onto. */
function createExpectation({ confirmed, outbox, meta }: CheckContext): () => Visible {
  let madeOf: string | undefined
  let visible: Visible | undefined
  return () => {
    const present = [meta.cursor(), outbox.size, outbox.newest?.position].join()
    if (!visible || present !== madeOf) visible = createOptimistic(confirmed, outbox).visible
    madeOf = present
    return visible
  }
}

/** Compares the next leaves. @returns where to go on; null when there are no more, or when there was a difference. */
function compareFrom(from: string, expected: Visible, context: CheckContext, found: Found): string | null {
  const { optimistic } = context
  const range = { from, to: null }
  const [seen, rights] = [optimistic.visible.scan(range), expected.scan(range)]
  for (let compared = 1; ; compared++) {
    const [shown, right] = [seen.next().value, rights.next().value]
    if (!shown && !right) return null
    if (shown && right && sameLeaf(shown, right)) {
      // The least string above a path in byte order is that path followed by NUL.
      if (compared === COMPARED_AT_ONCE) return `${shown.path}\0`
      continue
    }
    const message = 'What was shown was not what the pending ops make of the confirmed state; it is now.'
    found({ code: 'overlay_differs', message, at: (right ?? shown)?.path ?? null, repaired: true })
    context.transaction(() => {
      optimistic.fold.rebuild()
      context.mended()
    })
    return null
  }
}

const COMPARED_AT_ONCE = 1_000

function sameLeaf(a: VisibleLeaf, b: VisibleLeaf): boolean {
  if (a.path !== b.path) return false
  const [one, other] = [a.entry(), b.entry()]
  return one.type === other.type && one.pending === other.pending && equalValues(one.value, other.value)
}

/** Batches whose ops are not neighbours. */
const TORN =
  'select batch_id from outbox where batch_id is not null group by batch_id ' +
  'having max(position) - min(position) + 1 <> count(*)'
