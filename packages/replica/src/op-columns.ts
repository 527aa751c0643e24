import { type Fence, parseJson, stringifyJson } from '@dustlayer/protocol'
import { asInteger, asText } from './damage.js'
import type { SqlValue } from './driver.js'
import { type LocalOp, staticFault } from './local-op.js'

/** The columns that hold a {@link LocalOp}, in the order of {@link opParams} and {@link opFromRow}. */
export const OP_COLUMNS = 'op_id, op, path, value, if_match, if_absent, fence, sum'

export const OP_COLUMN_COUNT = 8

export function opParams(op: LocalOp): SqlValue[] {
  const { opId, path, value, ifMatch, ifAbsent, fence } = op
  const columns = [
    opId,
    op.op,
    path,
    stringifyJson(value),
    ifMatch ?? null,
    ifAbsent ? 1 : 0,
    fence ? stringifyJson({ ...fence }) : null,
  ]
  return [...columns, sumOf(columns)]
}

/**
 * The op of columns that were written from {@link opParams}.
 * @throws Error when these cannot have been: it is no op that could have been issued.
 */
export function opFromRow(row: readonly SqlValue[]): LocalOp {
  const [opId, kind, path, value, ifMatch, ifAbsent, fence, sum] = row
  const op: LocalOp = {
    // Whether it is one shows below, as with the fence.
    op: asText(kind) as LocalOp['op'],
    path: asText(path),
    value: parseJson(asText(value)),
    opId: asText(opId),
    ...(ifMatch !== null && { ifMatch: asInteger(ifMatch) }),
    ...(asInteger(ifAbsent) === 1 && { ifAbsent: true }),
    ...(fence !== null && { fence: parseJson(asText(fence)) as unknown as Fence }),
  }
  const fault = staticFault(op)
  if (fault) throw new TypeError(`no op: ${fault.reason}`)
  // Versions 1 and 2 made no sum.
  if (sum !== null && sum !== sumOf(row)) throw new TypeError('another op than the one that was written')
  return op
}

/**
 * A checksum of what an op is: a byte that has changed in a text makes another op of it, which nobody has issued
 * (docs/decisions/0154). What an op matches changes while it is pending.
 */
function sumOf([opId, op, path, value, , ifAbsent, fence]: readonly SqlValue[]): number {
  const text = [opId, op, path, value, ifAbsent, fence].join('\0')
  // FNV-1a, with which texts that differ in one place never have the same sum.
  let sum = 0x811c9dc5
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
  return sum >>> 0
}
