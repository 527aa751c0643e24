import { addDigest, digestText, EMPTY_DIGEST, entryDigest } from '../digest.js'
import { type Effect, eventEffects } from '../effects.js'
import type { Rejection } from '../errors.js'
import type { OpName } from '../frame.js'
import { type JsonValue, stringifyJson } from '../json.js'
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
  /** All of them or none: each is planned on what those before it have done. */
  applyBatch(ops: readonly Op[], now?: number): ModelBatchResult
  /** Applies an accepted op with the seq it got elsewhere. */
  replay(event: Omit<ModelEvent, 'opId'>): void
  /** Of all entries, as a `digest` reply has it. */
  digest(): string
}

export type ModelBatchResult =
  | { readonly ok: true; readonly plans: readonly Plan[] }
  /** `index` is the op that was refused. */
  | { readonly ok: false; readonly index: number; readonly rejection: Rejection }

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

  const apply = (op: Op, now = 0): Plan => {
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
  }

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
    apply,
    applyBatch(ops, now) {
      const before = { entries: new Map(entries), head, logged: log.length }
      const plans: Plan[] = []
      for (const [index, op] of ops.entries()) {
        const plan = apply(op, now)
        if (!plan.ok) {
          entries.clear()
          for (const [path, entry] of before.entries) entries.set(path, entry)
          head = before.head
          log.length = before.logged
          return { ok: false, index, rejection: plan.rejection }
        }
        plans.push(plan)
      }
      return { ok: true, plans }
    },
    replay({ seq, ...event }) {
      head = seq
      for (const effect of eventEffects(event)) execute(effect, seq)
    },
    digest() {
      const each = sorted().map((entry) =>
        entryDigest(entry.path, entry.type, entry.seq, stringifyJson(entry.value)),
      )
      return digestText(each.reduce(addDigest, EMPTY_DIGEST))
    },
  }
}
