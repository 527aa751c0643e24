import { stringifyJson } from '@dustlayer/protocol'
import { asIntegerOrNull, asPosition, asText, asTextOrNull, fromRows } from './damage.js'
import type { SqliteDriver, SqlValue } from './driver.js'
import type { Verdict } from './events.js'
import { errorFrom } from './rejections.js'

/**
 * Verdicts kept. A tab whose worker hung, or that was frozen, asks for its own when it is back; the other tabs have gone
 * on writing meanwhile, some hundred ops a second when they are busy.
 */
const KEPT = 5_000

/** Pruning in steps keeps it off the path of single writes. */
const PRUNE_EVERY = 500

/** Verdicts of the most recent ops that left the outbox. Durable, bounded. */
export interface Settled {
  get(opId: string): Verdict | undefined
  add(opId: string, verdict: Verdict): void
  reload(): void
}

export function createSettled(driver: SqliteDriver): Settled {
  /** Where each op's verdict is, oldest first. Read on first use: opening a store must not wait for it. */
  let known: Map<string, number> | undefined
  let position = 0

  const load = (): Map<string, number> => {
    if (known) return known
    known = readIndex(driver)
    for (const at of known.values()) position = at
    return known
  }

  const prune = (positions: Map<string, number>): void => {
    driver.run('delete from settled where position <= ?', [position - KEPT])
    for (const opId of positions.keys()) {
      if (positions.size <= KEPT) break
      positions.delete(opId)
    }
  }

  return {
    get(opId) {
      const at = load().get(opId)
      if (at === undefined) return undefined
      const [row] = driver.all('select revision, error from settled where position = ?', [at])
      return row && fromRows(driver, 'settled', () => toVerdict(row))
    },
    add(opId, verdict) {
      if (verdict.state === 'pending') return
      const positions = load()
      position += 1
      driver.run('insert into settled (position, op_id, revision, error) values (?, ?, ?, ?)', [
        position,
        opId,
        verdict.state === 'committed' ? verdict.revision : null,
        verdict.state === 'rejected' ? stringifyJson({ ...verdict.error }) : null,
      ])
      positions.set(opId, position)
      if (position % PRUNE_EVERY === 0) prune(positions)
    },
    reload() {
      known = undefined
      position = 0
    },
  }
}

/**
 * Positions by op id in order, read as one row: the first write after a hand-over waits for this, and thousands of rows
 * take a worker tens of milliseconds, but one text about one.
 */
function readIndex(driver: SqliteDriver): Map<string, number> {
  const [row] = driver.all(
    'select json_group_array(position), json_group_array(cast(op_id as text)) from (select position, op_id from settled order by position)',
  )
  return fromRows(driver, 'settled', () => {
    const [positions, opIds] = [JSON.parse(asText(row?.[0])), JSON.parse(asText(row?.[1]))]
    const index = new Map<string, number>()
    let before = 0
    for (const [i, at] of positions.entries()) {
      if (asPosition(at) <= before) throw new TypeError(`${at} behind ${before}`)
      before = at
      const opId = asText(opIds[i])
      // What was rescued may hold an op twice. The newest counts, and comes behind.
      index.delete(opId)
      index.set(opId, at)
    }
    return index
  })
}

function toVerdict(row: readonly SqlValue[]): Verdict {
  const [revision, error] = [asIntegerOrNull(row[0]), asTextOrNull(row[1])]
  if (error === null) return { state: 'committed', revision: revision ?? 0 }
  return { state: 'rejected', error: errorFrom(error) }
}
