import type { JsonValue } from '@dustlayer/protocol'
import {
  type Effect,
  type EntryType,
  eventEffects,
  isAncestor,
  isPlainMap,
  type Pattern,
  parsePath,
  planOp,
  typeOf,
  type WriteOpName,
} from '@dustlayer/protocol'
import type { DustEvent } from './events.js'

export interface FoldedLeaf {
  readonly value: JsonValue
  readonly type: EntryType
}

/** The leaves by rendered path that somebody who has folded every event so far knows of. */
export type FoldState = ReadonlyMap<string, FoldedLeaf>

/**
 * The state after an event that the subscriber was told. It says what the events mean, and copies the state for each;
 * to keep a view of a large store up to date, use `live`.
 *
 * An event with `cause` or `correctionFor` is about exactly its path: a leaf is there now, or none (`delete`, or `set`
 * with an assembled map). A refusal changes nothing by itself. Any other event is its op, applied to the state.
 *
 * With a pattern, only leaves whose paths match are kept, as nobody is told how the others go on.
 */
export function foldEvent(state: FoldState, event: DustEvent, pattern?: Pattern): FoldState {
  const effects = effectsOnFold(state, event)
  if (effects.length === 0) return state
  const next = new Map(state)
  for (const effect of effects) {
    if (effect.kind !== 'put') {
      for (const path of next.keys()) if (covers(effect, path)) next.delete(path)
    } else if (!pattern || pattern.matches(parsePath(effect.path))) {
      next.set(effect.path, { value: effect.value, type: effect.type })
    }
  }
  return next
}

/** What an event does to the leaves of somebody who folds; of what is known, only the leaf at its own path counts. */
export function effectsOnFold(
  state: { get(path: string): FoldedLeaf | undefined },
  event: DustEvent,
): readonly Effect[] {
  const { path, op, value, entryType, error } = event
  if (error) return []
  if (event.cause || event.correctionFor !== undefined) {
    const gone = op === 'delete' || isPlainMap(value)
    return [gone ? { kind: 'remove', path } : { kind: 'put', path, value, type: entryType ?? typeOf(value) }]
  }
  if (event.committed) return eventEffects({ op, path, value })
  const leaf = state.get(path)
  const entry = leaf && { path, ...leaf, seq: 0 }
  // Files are never written without the server.
  const local = { op: op as WriteOpName, path, value, opId: '' }
  const plan = planOp(local, { get: () => entry }, NO_LEASES)
  return plan.ok ? plan.effects : []
}

const NO_LEASES = { seq: 0, now: 0, leaseExpired: () => false }

function covers({ kind, path }: Effect, other: string): boolean {
  if (path === other) return kind !== 'clearBelow'
  return kind !== 'remove' && isAncestor(path, other)
}
