import { type ErrorData, parseJson, stringifyJson } from '@dustlayer/protocol'
import type { SqliteDriver } from './driver.js'
import type { Verdict } from './events.js'

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
  // Read on first use: opening a store must not wait for it.
  let known: Map<string, Verdict> | undefined
  let position = 0

  const load = (): Map<string, Verdict> => {
    if (known) return known
    known = new Map()
    for (const [at, opId, revision, error] of driver.all(
      'select position, op_id, revision, error from settled order by position',
    )) {
      position = at as number
      // The columns were written by `add` below.
      known.set(opId as string, toVerdict(revision as number | null, error as string | null))
    }
    return known
  }

  const prune = (verdicts: Map<string, Verdict>): void => {
    driver.run('delete from settled where position <= ?', [position - KEPT])
    for (const opId of verdicts.keys()) {
      if (verdicts.size <= KEPT) break
      verdicts.delete(opId)
    }
  }

  return {
    get: (opId) => load().get(opId),
    add(opId, verdict) {
      if (verdict.state === 'pending') return
      const verdicts = load()
      position += 1
      driver.run('insert into settled (position, op_id, revision, error) values (?, ?, ?, ?)', [
        position,
        opId,
        verdict.state === 'committed' ? verdict.revision : null,
        verdict.state === 'rejected' ? stringifyJson({ ...verdict.error }) : null,
      ])
      verdicts.set(opId, verdict)
      if (position % PRUNE_EVERY === 0) prune(verdicts)
    },
    reload() {
      known = undefined
      position = 0
    },
  }
}

function toVerdict(revision: number | null, error: string | null): Verdict {
  if (error === null) return { state: 'committed', revision: revision ?? 0 }
  // Written by `add` from an ErrorData.
  return { state: 'rejected', error: parseJson(error) as unknown as ErrorData }
}
