import type { FramePayload, OpName } from '@dustlayer/protocol'

const KNOWN_OPS: { readonly [op in OpName]: true } = {
  set: true,
  delete: true,
  merge: true,
  increment: true,
  add: true,
  remove: true,
  put_file: true,
  lease: true,
  renew: true,
  release: true,
}

/** Whether an event tells of an op that a newer server has and we do not. */
export function isUnknownOp({ op }: FramePayload): boolean {
  return typeof op === 'string' && !Object.hasOwn(KNOWN_OPS, op)
}

/**
 * The event with its place in the log, so that the cursor can pass it, and without effect: merging an empty map
 * changes nothing.
 */
export function withoutEffect(payload: FramePayload): FramePayload {
  return { ...payload, op: 'merge', value: {} }
}
