import { type Effect, eventEffects, isPlainMap, type Pattern, parsePath } from '@dustlayer/protocol'
import { createPathTrie, type EntryData, type DustEvent as ReplicaEvent } from '@dustlayer/replica'
import { printOfValue } from '../fingerprint.js'

/**
 * What a `watch` has told so far, path by path, as prints of the values. When events may have been lost, because the
 * leader died or the tab slept, it tells the difference from what is there, so that nothing is missing and nothing
 * comes twice.
 */
export interface Told {
  note(event: ReplicaEvent): void
  /** Notes that these are there, and nothing else. Gives the events that tell so. */
  level(store: string, present: readonly EntryData[]): ReplicaEvent[]
}

/** Something was told of the path that does not say what is there, such as an increment's argument. */
const UNCLEAR = -1

export function createTold(pattern: Pattern, present: readonly EntryData[]): Told {
  const told = createPathTrie<number>()

  const note: Told['note'] = (event) => {
    const { path, op, value } = event
    // What a refusal restores is told by corrections.
    if (event.error) return
    if (event.cause || event.correctionFor !== undefined) {
      if (op === 'delete' || (pattern.many && isPlainMap(value))) told.delete(path)
      else told.set(path, printOfValue(value))
    } else if (!event.committed && ARGUMENT_ONLY.has(op)) {
      told.set(path, UNCLEAR)
    } else if (pattern.many) {
      for (const effect of eventEffects(event)) noteEffect(effect)
    } else {
      noteAtNode(event)
    }
  }

  const noteEffect = (effect: Effect): void => {
    const { kind, path } = effect
    if (kind === 'put') {
      if (pattern.matches(parsePath(path))) told.set(path, printOfValue(effect.value))
      return
    }
    if (kind !== 'remove') told.deleteBelow(path)
    if (kind !== 'clearBelow') told.delete(path)
  }

  const noteAtNode = ({ op, path, value }: ReplicaEvent): void => {
    if (op === 'delete' || op === 'release') told.delete(path)
    else told.set(path, op === 'merge' ? UNCLEAR : printOfValue(value))
  }

  for (const { path, value } of present) told.set(path, printOfValue(value))
  return {
    note,
    level(store, there) {
      const events: ReplicaEvent[] = []
      const paths = new Set(there.map(({ path }) => path))
      for (const [path] of [...told.within('')]) {
        if (paths.has(path)) continue
        told.delete(path)
        events.push({ ...MISSED, store, path, op: 'delete', value: null, committed: true, source: 'server' })
      }
      for (const entry of there) {
        const print = printOfValue(entry.value)
        if (told.get(entry.path) === print) continue
        told.set(entry.path, print)
        events.push(nowThere(store, entry))
      }
      return events
    },
  }
}

/** Ops whose local event has their argument for a value. */
const ARGUMENT_ONLY: ReadonlySet<ReplicaEvent['op']> = new Set(['increment', 'add', 'remove'])

/** About exactly its path, as what a snapshot changes is. */
const MISSED = { own: false, catchUp: true, cause: { op: 'snapshot', path: '' } } as const

function nowThere(store: string, { path, value, type, sets, revision, pending }: EntryData): ReplicaEvent {
  return {
    ...MISSED,
    store,
    path,
    op: 'set',
    value,
    entryType: type,
    ...(sets ? { sets } : {}),
    ...(pending
      ? { committed: false, source: 'local', own: true }
      : { committed: true, source: 'server', storeSeq: revision }),
  }
}
