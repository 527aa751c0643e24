import { type AcceptedOp, type Effect, eventEffects } from './effects.js'
import { PathError, type Rejection } from './errors.js'
import type { JsonValue } from './json.js'
import { addMember, membersOf, removeMember } from './members.js'
import type { Op } from './op.js'
import { type EntryType, isObject, type JsonMap } from './value.js'

/** A leaf as a store holds it. `seq` is the store_seq of the op that last wrote it. */
export interface Entry {
  readonly path: string
  readonly value: JsonValue
  readonly type: EntryType
  readonly seq: number
}

/** What a plan may look at: exact leaves. */
export interface EntryReader {
  get(path: string): Entry | undefined
}

export interface PlanContext {
  /** The store_seq that the op gets when it is accepted; a new lease takes it as its token. */
  readonly seq: number
  /** Wall clock, epoch milliseconds. */
  readonly now: number
  /** Whether the lease at `path` has run out; who owns the clock decides (spec/semantics.md §6). */
  leaseExpired(path: string, lease: JsonMap): boolean
}

export type Plan =
  | {
      readonly ok: true
      readonly effects: readonly Effect[]
      /** Materialised: what the log and the event carry. */
      readonly value: JsonValue
      /** Fields of the reply besides `store_seq`. */
      readonly reply: { readonly [name: string]: JsonValue }
      /** Accepted without effect: no seq, no log entry, no event. */
      readonly noop: boolean
    }
  | { readonly ok: false; readonly rejection: Rejection }

/** What an op would do to a store that looks like `entries`: its effects, or why it is refused. Changes nothing. */
export function planOp(op: Op, entries: EntryReader, context: PlanContext): Plan {
  if (op.op === 'lease' || op.op === 'renew' || op.op === 'release') return planLease(op, entries, context)
  const failed = failedPrecondition(op, entries, context)
  if (failed) return { ok: false, rejection: failed }
  switch (op.op) {
    case 'increment':
      return planIncrement(op, entries.get(op.path)?.value ?? null)
    case 'add':
      return accept(op, addMember(membersOf(entries.get(op.path)?.value), op.value))
    case 'remove':
      return accept(op, removeMember(membersOf(entries.get(op.path)?.value), op.value))
    default:
      return accept(op, op.value)
  }
}

function accept(op: Op, value: JsonValue, reply: JsonMap = {}): Plan {
  const accepted: AcceptedOp = { op: op.op, path: op.path, value }
  try {
    return { ok: true, effects: eventEffects(accepted), value, reply, noop: false }
  } catch (error) {
    if (error instanceof PathError) return refuse(error.code)
    throw error
  }
}

function refuse(reason: string, fields: JsonMap = {}): { ok: false; rejection: Rejection } {
  return { ok: false, rejection: { reason, ...fields } }
}

/** In the order of spec/semantics.md §5: if_match, if_absent, fence. */
function failedPrecondition(op: Op, entries: EntryReader, context: PlanContext): Rejection | undefined {
  const current = op.ifMatch !== undefined || op.ifAbsent ? entries.get(op.path) : undefined
  if (op.ifMatch !== undefined && current?.seq !== op.ifMatch) {
    return { reason: 'conflict', current_revision: current?.seq ?? null }
  }
  if (op.ifAbsent && current) return { reason: 'exists', current_revision: current.seq }
  return op.fence && !fenceHolds(op.fence, entries, context) ? { reason: 'fenced' } : undefined
}

/**
 * A fence that names a lease must match it. One that names no lease fails when it is well-formed; a token that
 * is no integer is tolerated there, as the reference ignores such fences.
 */
function fenceHolds(fence: NonNullable<Op['fence']>, entries: EntryReader, context: PlanContext): boolean {
  const lease = leaseOf(entries.get(fence.key))
  if (!lease) return !Number.isSafeInteger(fence.token)
  return lease.token === fence.token && !context.leaseExpired(fence.key, lease)
}

function planIncrement(op: Op, current: JsonValue): Plan {
  // null and false count as nothing yet, as the reference has it (spec/semantics.md §4.2).
  const base = current === null || current === false ? 0 : current
  if (typeof base !== 'number' && typeof base !== 'bigint') return refuse('increment_requires_number_target')
  const total = addNumbers(base, op.value as number | bigint)
  return total === undefined ? refuse('increment_out_of_range') : accept(op, total)
}

/** Integers add exactly at any size; one float makes a float. Undefined when the result has no JSON form. */
function addNumbers(a: number | bigint, b: number | bigint): number | bigint | undefined {
  if (isExactInteger(a) && isExactInteger(b)) {
    const sum = BigInt(a) + BigInt(b)
    if (sum >= Number.MIN_SAFE_INTEGER && sum <= Number.MAX_SAFE_INTEGER) return Number(sum)
    return sum >= -(2n ** 63n) && sum < 2n ** 64n ? sum : undefined
  }
  const sum = Number(a) + Number(b)
  return Number.isFinite(sum) ? sum : undefined
}

function isExactInteger(value: number | bigint): boolean {
  return typeof value === 'bigint' || Number.isSafeInteger(value)
}

/** The state table of spec/semantics.md §6. */
function planLease(op: Op, entries: EntryReader, context: PlanContext): Plan {
  const entry = entries.get(op.path)
  const lease = leaseOf(entry)
  const live = lease !== undefined && !context.leaseExpired(op.path, lease)
  if (op.op === 'lease') {
    if (live) return refuse('held')
    if (entry && !lease) return refuse('occupied')
    return grant(op, { holder: op.holder ?? null, token: context.seq }, context)
  }
  const owns = lease !== undefined && lease.token === op.token
  if (op.op === 'renew') {
    if (!live || !owns) return refuse('not_held')
    return grant(op, { holder: lease.holder ?? null, token: lease.token ?? null }, context)
  }
  if (!owns) return { ok: true, effects: [], value: null, reply: { released: false }, noop: true }
  return accept(op, null)
}

function grant(op: Op, lease: { holder: JsonValue; token: JsonValue }, context: PlanContext): Plan {
  const granted = { ...lease, expires_at: context.now + (op.ttlMs ?? 0) }
  return accept(op, { _type: 'lease', ...granted }, granted)
}

function leaseOf(entry: Entry | undefined): JsonMap | undefined {
  return entry && isObject(entry.value) && entry.value._type === 'lease' ? entry.value : undefined
}
