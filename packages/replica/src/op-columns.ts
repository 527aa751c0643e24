import { type Fence, parseJson, stringifyJson } from '@dustlayer/protocol'
import type { SqlValue } from './driver.js'
import type { LocalOp } from './local-op.js'

/** The columns that hold a {@link LocalOp}, in the order of {@link opParams} and {@link opFromRow}. */
export const OP_COLUMNS = 'op_id, op, path, value, if_match, if_absent, fence'

export const OP_COLUMN_COUNT = 7

export function opParams(op: LocalOp): SqlValue[] {
  const { opId, path, value, ifMatch, ifAbsent, fence } = op
  return [
    opId,
    op.op,
    path,
    stringifyJson(value),
    ifMatch ?? null,
    ifAbsent ? 1 : 0,
    fence ? stringifyJson({ ...fence }) : null,
  ]
}

/** The columns were written from {@link opParams}, so their types are known. */
export function opFromRow(row: readonly SqlValue[]): LocalOp {
  const [opId, op, path, value, ifMatch, ifAbsent, fence] = row
  return {
    op: op as LocalOp['op'],
    path: path as string,
    value: parseJson(value as string),
    opId: opId as string,
    ...(ifMatch !== null && { ifMatch: ifMatch as number }),
    ...(ifAbsent === 1 && { ifAbsent: true }),
    ...(fence !== null && { fence: parseJson(fence as string) as unknown as Fence }),
  }
}
