import { FrameError, type Rejection } from '../errors.js'
import type { FramePayload, WritePayload } from '../frame.js'
import type { JsonValue } from '../json.js'
import { type Op, parseWrite } from '../op.js'
import { isObject } from '../value.js'
import { seqField } from './fields.js'

/** A batch has from one op to this many. */
export const MAX_BATCH_OPS = 500

/** `batch`: ops that are accepted together, in this order, or not at all. No lease ops. */
export type BatchPayload = {
  /** The client's id of the batch, the same on every resend. */
  client_op_id: string
  ops: WritePayload[]
}

/** The response to an accepted batch. */
export type BatchReply = {
  /** That of the last op. */
  store_seq: number
  /** One for each op, consecutive. */
  store_seqs: number[]
}

export type ParsedBatch =
  | { readonly ok: true; readonly id: string; readonly ops: readonly Op[] }
  /** `rejection.op_index` tells which op is at fault, where it is one. */
  | { readonly ok: false; readonly rejection: Rejection }

/** The wire form of a batch. */
export function toBatchPayload(id: string, ops: readonly WritePayload[]): BatchPayload {
  return { client_op_id: id, ops: [...ops] }
}

/** Checks a `batch` push as far as that is possible without looking at the store; each op as a `write` is checked. */
export function parseBatch(payload: FramePayload): ParsedBatch {
  const { client_op_id: id, ops: writes } = payload
  if (typeof id !== 'string') return refused('missing_client_op_id')
  if (!Array.isArray(writes) || writes.length === 0) return refused('invalid_batch')
  if (writes.length > MAX_BATCH_OPS) return refused('batch_too_large', { limit: MAX_BATCH_OPS })
  const ops: Op[] = []
  const ids = new Set<string>()
  for (const [index, write] of writes.entries()) {
    const parsed = parseMember(write)
    if (!parsed.ok) return refused(parsed.rejection.reason, { ...parsed.rejection, op_index: index })
    if (ids.has(parsed.op.opId)) return refused('duplicate_client_op_id', { op_index: index })
    ids.add(parsed.op.opId)
    ops.push(parsed.op)
  }
  return { ok: true, id, ops }
}

/**
 * Checks the response to an accepted batch of so many ops.
 * @throws FrameError when it does not name a store_seq for each.
 */
export function parseBatchReply(response: FramePayload, size: number): BatchReply {
  const last = seqField(response, 'store_seq', 'A batch reply')
  const { store_seqs: seqs } = response
  const expected = Array.from({ length: size }, (_, i) => last - size + 1 + i)
  if (!Array.isArray(seqs) || seqs.length !== size || seqs.some((seq, i) => seq !== expected[i]))
    throw new FrameError(`A batch reply does not give ${size} ops consecutive store_seqs.`)
  return { store_seq: last, store_seqs: expected }
}

/** Which op of a refused batch the server names as the cause; null when it is none of them, as with rate limits. */
export function refusedOpIndex(response: FramePayload): number | null {
  const { op_index: index } = response
  return typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 ? index : null
}

function parseMember(write: JsonValue): ReturnType<typeof parseWrite> {
  if (!isObject(write)) return refused('invalid_batch')
  const parsed = parseWrite(write)
  if (!parsed.ok) return parsed
  const { op } = parsed.op
  return op === 'lease' || op === 'renew' || op === 'release' ? refused('lease_in_batch') : parsed
}

function refused(
  reason: string,
  fields: { [name: string]: JsonValue } = {},
): { ok: false; rejection: Rejection } {
  return { ok: false, rejection: { ...fields, reason } }
}
