import { DustError, type Effect, eventEffects, type StoreEventPayload } from '@dustlayer/protocol'
import type { SqliteDriver } from './driver.js'
import { createEntryTable } from './entry-table.js'
import { following } from './following.js'
import type { Meta, StagedMark } from './meta.js'
import { clearedPaths, createParents } from './parents.js'
import type { SnapshotEntry } from './sync-port.js'

/**
 * Another confirmed state that is being built beside the present one, in the table `staged`. Reading and writing go
 * on with the present one, and an interruption at any point leaves that as it is. The swap is a change of names, so
 * it costs the same for any number of entries.
 */
export interface Staging {
  /** What a snapshot can be continued with, else null. */
  resumable(): Pick<StagedMark, 'seq' | 'after' | 'incarnation'> | null
  begin(seq: number, incarnation: string | null): void
  putEntries(entries: Iterable<SnapshotEntry>, after: string | null): void
  /** Folds the events that follow what is staged; `visit` sees each of them. */
  putEvents(events: readonly StoreEventPayload[], visit: (event: StoreEventPayload) => void): void
  /** @throws DustError `nothing_staged`, `staged_elsewhere` */
  expectAt(seq: number): void
  /** The staged rows become `entries`, and nothing is staged. */
  swap(): void
  drop(): void
}

export function createStaging(driver: SqliteDriver, meta: Meta, now: () => number): Staging {
  const table = createEntryTable(driver, 'staged')

  let foldedHere = false

  const mark = (): StagedMark => {
    const staged = meta.staged()
    if (staged) return staged
    throw new DustError('nothing_staged', 'There is no staged state: stageBegin comes first.')
  }

  const drop = (): void => {
    table.clear()
    meta.setStaged(null)
  }

  const resumable: Staging['resumable'] = () => {
    const staged = meta.staged()
    if (!staged || staged.seq === 0) return null
    // Which own ops were among the events is known to the run that has folded them only.
    if (staged.cursor !== staged.seq && !foldedHere) return null
    return { seq: staged.seq, after: staged.after, incarnation: staged.incarnation }
  }

  return {
    resumable,
    begin(seq, incarnation) {
      table.clear()
      foldedHere = false
      meta.setStaged({ incarnation, seq, after: null, cursor: seq })
    },
    putEntries(entries, after) {
      const staged = mark()
      const syncedAt = now()
      for (const entry of entries) table.put(entry, entry.seq ?? staged.seq, syncedAt)
      meta.setStaged({ ...staged, after })
    },
    putEvents(events, visit) {
      const staged = mark()
      const fresh = following(staged.cursor, events)
      const last = fresh.at(-1)
      if (!last) return
      const syncedAt = now()
      const effects: Effect[][] = fresh.map(eventEffects)
      const parents = createParents(table.withEntriesBelow(clearedPaths(effects.flat())))
      fresh.forEach((event, i) => {
        table.execute(effects[i] ?? [], event.store_seq, syncedAt, parents)
        visit(event)
      })
      foldedHere = true
      meta.setStaged({ ...staged, cursor: last.store_seq })
    },
    expectAt(seq) {
      const { cursor } = mark()
      if (cursor === seq) return
      throw new DustError(
        'staged_elsewhere',
        `The staged state is at ${cursor}, not at ${seq}: it cannot become the confirmed state there.`,
      )
    },
    swap() {
      driver.exec(SWAP)
      meta.setStaged(null)
    },
    drop,
  }
}

const SWAP = `
  drop table entries;
  alter table staged rename to entries;
  create table staged (
    path text primary key, value text not null, type text not null, seq integer not null, synced_at integer
  ) without rowid;
`
