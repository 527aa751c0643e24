import { parseJson, parsePath, type Ref } from '@dustlayer/protocol'
import type { LoggedOp } from './storage.js'
import type { Outgoing, WireFormat } from './wire-format.js'

/** The `event` of an op (spec/wire.md §9.1). `joinRef` is null in live events, and the join's in catch-up. */
export function eventFrame(format: WireFormat, topic: string, joinRef: Ref, op: LoggedOp): Outgoing {
  if (format.kind === 'json') return jsonPush(joinRef, topic, 'event', eventJson(op))
  return format.encode([joinRef, null, topic, 'event', eventPayload(op)])
}

/** The `events` of so many ops (docs/protocol-extensions.md). */
export function eventBatchFrame(
  format: WireFormat,
  topic: string,
  joinRef: Ref,
  ops: readonly LoggedOp[],
): Outgoing {
  if (format.kind === 'json') {
    return jsonPush(joinRef, topic, 'events', `{"events":[${ops.map(eventJson).join(',')}]}`)
  }
  return format.encode([joinRef, null, topic, 'events', { events: ops.map(eventPayload) }])
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

/** A push whose payload is JSON text already: putting the frame together saves parsing and printing values again. */
export function jsonPush(joinRef: Ref, topic: string, event: string, payloadJson: string): string {
  return `[${JSON.stringify(joinRef)},null,${JSON.stringify(topic)},"${event}",${payloadJson}]`
}

function eventPayload({ seq, op, path, valueJson, deviceId, clientOpId }: LoggedOp) {
  return {
    store_seq: seq,
    op,
    path,
    path_segments: [...parsePath(path)],
    value: parseJson(valueJson),
    device_id: deviceId,
    client_op_id: clientOpId,
  }
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
