import { parseJson, parsePath, type Ref } from '@dustlayer/protocol'
import type { LoggedOp, StoreStorage } from './storage.js'
import type { Outgoing, WireFormat } from './wire-format.js'

/** The `event` of an op (spec/wire.md §9.1). `joinRef` is null in live events, and the join's in catch-up. */
export function eventFrame(format: WireFormat, topic: string, joinRef: Ref, op: LoggedOp): Outgoing {
  if (format.kind === 'json') return jsonPush(joinRef, topic, 'event', eventJson(op))
  const payload = {
    store_seq: op.seq,
    op: op.op,
    path: op.path,
    path_segments: [...parsePath(op.path)],
    value: parseJson(op.valueJson),
    device_id: op.deviceId,
    client_op_id: op.clientOpId,
  }
  return format.encode([joinRef, null, topic, 'event', payload])
}

/** The whole state at the newest snapshot: plain values, and the revision of each leaf (spec/wire.md §9.2). */
export function snapshotFrame(
  format: WireFormat,
  topic: string,
  joinRef: Ref,
  seq: number,
  history: StoreStorage['history'],
): Outgoing {
  const leaves = [...history.snapshotLeaves()]
  if (format.kind === 'json') {
    const entries = leaves.map(
      ({ path, valueJson, type, seq }) =>
        `${JSON.stringify(path)}:{"value":${valueJson},"type":"${type}","seq":${seq}}`,
    )
    return jsonPush(joinRef, topic, 'snapshot', `{"snapshot_seq":${seq},"entries":{${entries.join(',')}}}`)
  }
  // fromEntries defines own properties, so that a path like `__proto__` stays a key.
  const entries = Object.fromEntries(
    leaves.map(({ path, valueJson, type, seq }) => [path, { value: parseJson(valueJson), type, seq }]),
  )
  return format.encode([joinRef, null, topic, 'snapshot', { snapshot_seq: seq, entries }])
}

/** Ops of one commit with their frames, each encoded once however many members there are. */
export interface Broadcast {
  readonly ops: readonly LoggedOp[]
  frames(format: WireFormat, topic: string): readonly Outgoing[]
}

export function createBroadcast(ops: readonly LoggedOp[]): Broadcast {
  const encoded = new Map<string, readonly Outgoing[]>()
  return {
    ops,
    frames(format, topic) {
      const key = `${format.kind} ${topic}`
      const known = encoded.get(key)
      if (known) return known
      const frames = ops.map((op) => toBytes(eventFrame(format, topic, null, op)))
      encoded.set(key, frames)
      return frames
    },
  }
}

// The value is JSON text already: putting the frame together around it saves parsing and printing it again.
function jsonPush(joinRef: Ref, topic: string, event: string, payloadJson: string): string {
  return `[${JSON.stringify(joinRef)},null,${JSON.stringify(topic)},"${event}",${payloadJson}]`
}

function eventJson({ seq, op, path, valueJson, deviceId, clientOpId }: LoggedOp): string {
  return (
    `{"store_seq":${seq},"op":"${op}","path":${JSON.stringify(path)},"path_segments":${JSON.stringify(parsePath(path))},` +
    `"value":${valueJson},"device_id":${JSON.stringify(deviceId)},"client_op_id":${JSON.stringify(clientOpId)}}`
  )
}

/** Text is turned into bytes once, not once for every socket. */
function toBytes(frame: Outgoing): Uint8Array {
  return typeof frame === 'string' ? Buffer.from(frame) : frame
}
