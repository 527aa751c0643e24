import { eventEffects } from '../effects.js'
import { DustError } from '../errors.js'
import { parseBatch, parseBatchReply, refusedOpIndex } from '../extensions/batch.js'
import { parseDigestReply } from '../extensions/digest-reply.js'
import { splitEventBatch } from '../extensions/event-batch.js'
import { parseJoinExtensions, parseJoinReplyExtensions } from '../extensions/join.js'
import { decodeSnapshotChunk } from '../extensions/snapshot-chunk.js'
import { decodeStoreEvent, type FramePayload } from '../frame.js'
import { type JsonValue, parseJson, stringifyJson } from '../json.js'
import { type Op, parseWrite } from '../op.js'
import { parsePath } from '../path.js'
import { parsePattern } from '../pattern.js'
import { errorFromRejection } from '../rejection.js'
import { createModelStore } from '../testing/model-store.js'
import { equalValues, unwrapScalar } from '../value.js'
import { toJsonValue } from '../values/to-json-value.js'
import { toValue } from '../values/to-value.js'

/** Everything that takes a payload from the other side, each to be given payloads of any kind. */
export const PAYLOAD_TARGETS: { readonly [name: string]: (payload: FramePayload) => unknown } = {
  write: (payload) => applied(parseWrite(payload)),
  batch(payload) {
    const parsed = parseBatch(payload)
    return parsed.ok ? createModelStore().applyBatch(parsed.ops) : errorFromRejection(parsed.rejection, WHERE)
  },
  event: (payload) => eventEffects(decodeStoreEvent(payload)),
  events: (payload) => splitEventBatch(payload).map((each) => eventEffects(decodeStoreEvent(each))),
  snapshotChunk: decodeSnapshotChunk,
  join: parseJoinExtensions,
  joinReply: parseJoinReplyExtensions,
  batchReply: (payload) => [refusedOpIndex(payload), parseBatchReply(payload, 3)],
  digestReply: parseDigestReply,
  refusal: (payload) => errorFromRejection({ ...payload, reason: String(payload.reason) }, WHERE),
  path: (payload) => parsePath(payload.path),
  pattern: (payload) => parsePattern(payload.path),
  stored,
  // What has been read can be written back, or is refused as any write is.
  written: (payload) => toJsonValue(toValue(payload, 'map', ['a', 'value/path'])),
}

const WHERE = { store: 'o/s' }

/** Runs a target. What is refused with an error of Dust is fine; any other error is a fault and gets out. */
export function tolerate(target: (payload: FramePayload) => unknown, payload: FramePayload): void {
  try {
    target(payload)
  } catch (error) {
    if (!(error instanceof DustError)) throw error
  }
}

/** Through a disk and back. */
function stored(payload: FramePayload): void {
  const value = unwrapScalar(payload)
  const text = stringifyJson(value)
  if (!equalValues(parseJson(text), value)) throw new Error(`Another value was stored: ${text}`)
}

function applied(parsed: { ok: true; op: Op } | { ok: false; rejection: { reason: string } }): JsonValue {
  if (!parsed.ok) return parsed.rejection.reason
  const store = createModelStore()
  store.apply(parsed.op)
  // Once more, on top of its own effect.
  store.apply(parsed.op)
  return store.read(parsed.op.path) ?? null
}
