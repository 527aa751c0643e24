import { type Effect, eventEffects } from '../effects.js'
import type { OpName } from '../frame.js'
import type { JsonValue } from '../json.js'
import type { Op } from '../op.js'
import { compareUtf8, descendantRange } from '../path.js'
import { type Entry, type Plan, planOp } from '../plan.js'
import { assemble } from '../value.js'

/** An accepted op, as the log of a store holds it. */
export interface ModelEvent {
  readonly seq: number
  readonly op: OpName
  readonly path: string
  readonly value: JsonValue
  readonly opId: string
}

/**
 * The simplest store that is right: all entries in one map, scanned. The model that the replica and the server
 * are tested against.
 */
export interface ModelStore {
  readonly head: number
  /** Every accepted op, in order. */
  readonly log: readonly ModelEvent[]
  get(path: string): Entry | undefined
  /** In path byte order. */
  entries(): Entry[]
  /** The leaf, else the assembled subtree, else undefined. */
  read(path: string): JsonValue | undefined
  apply(op: Op, now?: number): Plan
  /** Applies an accepted op with the seq it got elsewhere. */
  replay(event: Omit<ModelEvent, 'opId'>): void
}

export function createModelStore(initial: Iterable<Entry> = []): ModelStore {
  const entries = new Map<string, Entry>()
  for (const entry of initial) entries.set(entry.path, entry)
  const log: ModelEvent[] = []
  let head = 0

  const below = (path: string): string[] => {
    const { from, to } = descendantRange(path)
    return [...entries.keys()].filter((key) => compareUtf8(key, from) >= 0 && compareUtf8(key, to) < 0)
  }

  const execute = (effect: Effect, seq: number): void => {
    if (effect.kind === 'put') {
      entries.set(effect.path, { path: effect.path, value: effect.value, type: effect.type, seq })
      return
    }
    if (effect.kind !== 'clearBelow') entries.delete(effect.path)
    if (effect.kind !== 'remove') for (const key of below(effect.path)) entries.delete(key)
  }

  const sorted = (): Entry[] => [...entries.values()].sort((a, b) => compareUtf8(a.path, b.path))

  return {
    get head() {
      return head
    },
    log,
    get: (path) => entries.get(path),
    entries: sorted,
    read(path) {
      const leaf = entries.get(path)
      if (leaf) return leaf.value
      const keys = new Set(below(path))
      return keys.size === 0
        ? undefined
        : assemble(
            path,
            sorted().filter((entry) => keys.has(entry.path)),
          )
    },
    apply(op, now = 0) {
      const plan = planOp(op, entries, {
        seq: head + 1,
        now,
        leaseExpired: (_, lease) => typeof lease.expires_at === 'number' && lease.expires_at <= now,
      })
      if (!plan.ok || plan.noop) return plan
      head += 1
      for (const effect of plan.effects) execute(effect, head)
      log.push({ seq: head, op: op.op, path: op.path, value: plan.value, opId: op.opId })
      return plan
    },
    replay({ seq, ...event }) {
      head = seq
      for (const effect of eventEffects(event)) execute(effect, seq)
    },
  }
}
