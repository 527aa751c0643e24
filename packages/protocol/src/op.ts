import { PathError, type Rejection } from './errors.js'
import { type FramePayload, isOpName, type OpName, type WritePayload } from './frame.js'
import type { JsonValue } from './json.js'
import { MAX_PATH_DEPTH, parsePath, renderPath } from './path.js'
import { storedValueFault } from './stored-value.js'
import { isObject, isPlainMap } from './value.js'

/** The ops that a `write` carries; `put_file` has a message of its own (spec/wire.md §6.3, §7). */
export type WriteOpName = Exclude<OpName, 'put_file'>

/** Makes a write depend on a lease: it holds while `key` is leased with this token. */
export interface Fence {
  readonly key: string
  /** The token as sent; anything but the integer that the lease holds does not match. */
  readonly token: JsonValue
}

/** A write, parsed and checked as far as that is possible without looking at the store. */
export interface Op {
  readonly op: WriteOpName
  /** Rendered, canonical. */
  readonly path: string
  /** The argument: value, map, delta or member; null when there is none. */
  readonly value: JsonValue
  /** The client's id of this op, the same on every resend. */
  readonly opId: string
  readonly ifMatch?: number
  readonly ifAbsent?: true
  readonly fence?: Fence
  /** Milliseconds, for lease and renew. */
  readonly ttlMs?: number
  readonly holder?: JsonValue
  /** The lease token, for renew and release. */
  readonly token?: JsonValue
}

export type ParsedWrite =
  | { readonly ok: true; readonly op: Op }
  | { readonly ok: false; readonly rejection: Rejection }

const DEFAULT_TTL_MS = 30_000

/**
 * Checks 4, 6, 7 and 10-14 of a `write` push, in that order (spec/wire.md §6.1), then what the reference lets
 * through and suffers from later (malformed envelopes, depth, a missing op id).
 */
export function parseWrite(payload: FramePayload): ParsedWrite {
  const op = payload.op
  if (!isOpName(op) || op === 'put_file') return refused('invalid op')
  const path = parseTarget(payload)
  if (typeof path !== 'string') return path
  const value = payload.value ?? null
  const fault = argumentFault(op, value) ?? preconditionFault(op, value, payload) ?? leaseFault(op, payload)
  if (fault) return { ok: false, rejection: fault }
  // The holder of a lease is stored too, inside the envelope.
  const stored = storedValueFault(value) ?? storedValueFault(payload.holder ?? null)
  if (stored) return refused(stored)
  const opId = payload.client_op_id
  if (typeof opId !== 'string') return refused('missing_client_op_id')
  return {
    ok: true,
    op: { op, path, value, opId, ...preconditions(op, payload), ...leaseFields(op, payload) },
  }
}

/** The wire form of an op. Sends the path both ways, as every existing server understands one of them. */
export function toWritePayload(op: Op): WritePayload {
  return {
    op: op.op,
    path: op.path,
    path_segments: [...parsePath(op.path)],
    value: op.value,
    client_op_id: op.opId,
    ...(op.ifMatch !== undefined && { if_match: op.ifMatch }),
    ...(op.ifAbsent && { if_absent: true }),
    ...(op.fence && { fence: { key: op.fence.key, token: op.fence.token } }),
    ...(op.ttlMs !== undefined && { ttl_ms: op.ttlMs }),
    ...(op.holder !== undefined && { holder: op.holder }),
    ...(op.token !== undefined && { token: op.token }),
  }
}

function isLeaseOp(op: WriteOpName): boolean {
  return op === 'lease' || op === 'renew' || op === 'release'
}

function refused(
  reason: string,
  fields: { [name: string]: JsonValue } = {},
): { ok: false; rejection: Rejection } {
  return { ok: false, rejection: { reason, ...fields } }
}

/** `path_segments` is authoritative when it is a list, even a bad one; else `path` counts. */
function parseTarget(payload: FramePayload): string | { ok: false; rejection: Rejection } {
  const { path_segments: segments, path } = payload
  if (!Array.isArray(segments) && typeof path !== 'string') return refused('missing_path')
  try {
    const parsed = parsePath(Array.isArray(segments) ? segments : path)
    return parsed.length > MAX_PATH_DEPTH ? refused('path_too_deep') : renderPath(parsed)
  } catch (error) {
    if (error instanceof PathError) return refused(error.code)
    throw error
  }
}

function argumentFault(op: WriteOpName, value: JsonValue): Rejection | undefined {
  switch (op) {
    case 'merge':
      return isObject(value) ? undefined : { reason: 'merge_requires_map_value' }
    case 'increment':
      return typeof value === 'number' || typeof value === 'bigint'
        ? undefined
        : { reason: 'increment_requires_number_value' }
    case 'add':
      return value === null ? { reason: 'add_requires_value' } : undefined
    case 'remove':
      return value === null ? { reason: 'remove_requires_value' } : undefined
    default:
      return undefined
  }
}

function preconditionFault(op: WriteOpName, value: JsonValue, payload: FramePayload): Rejection | undefined {
  const ifMatch = payload.if_match ?? null
  const ifAbsent = payload.if_absent === true
  if (ifMatch !== null) {
    if (op !== 'set' && op !== 'delete') return { reason: 'if_match_unsupported_op', op }
    if (op === 'set' && isPlainMap(value)) return { reason: 'if_match_multi_leaf' }
    if (ifAbsent || !Number.isSafeInteger(ifMatch)) return { reason: 'invalid_precondition' }
  }
  if (ifAbsent) {
    if (op !== 'set') return { reason: 'if_absent_unsupported_op', op }
    if (isPlainMap(value)) return { reason: 'if_absent_multi_leaf' }
  }
  return undefined
}

function leaseFault(op: WriteOpName, payload: FramePayload): Rejection | undefined {
  if (!isLeaseOp(op)) return undefined
  // The leading colon is the reference's, and part of its contract.
  if (op !== 'lease' && (payload.token ?? null) === null) return { reason: ':invalid_lease_op' }
  if (op !== 'release' && !Number.isSafeInteger(ttlOf(payload))) return { reason: 'invalid_ttl' }
  return undefined
}

function ttlOf(payload: FramePayload): JsonValue {
  return payload.ttl_ms || payload.ttl_ms === 0 ? payload.ttl_ms : DEFAULT_TTL_MS
}

function preconditions(op: WriteOpName, payload: FramePayload): Pick<Op, 'ifMatch' | 'ifAbsent' | 'fence'> {
  if (isLeaseOp(op)) return {}
  const { if_match: ifMatch, if_absent: ifAbsent, fence } = payload
  return {
    ...(typeof ifMatch === 'number' && { ifMatch }),
    ...(ifAbsent === true && { ifAbsent }),
    ...(isObject(fence) &&
      typeof fence.key === 'string' && { fence: { key: fence.key, token: fence.token ?? null } }),
  }
}

function leaseFields(op: WriteOpName, payload: FramePayload): Pick<Op, 'ttlMs' | 'holder' | 'token'> {
  return {
    // leaseFault has established that the ttl is an integer.
    ...((op === 'lease' || op === 'renew') && { ttlMs: ttlOf(payload) as number }),
    ...(op === 'lease' && { holder: payload.holder ?? null }),
    ...((op === 'renew' || op === 'release') && { token: payload.token as JsonValue }),
  }
}
