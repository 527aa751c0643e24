import { parseJson, type Ref } from '@dustlayer/protocol'
import { jsonPush } from './event-frame.js'
import type { History, SnapshotLeaf, SnapshotPage } from './storage.js'
import type { Outgoing, WireFormat } from './wire-format.js'

/** The whole state at the newest snapshot: plain values, and the revision of each leaf (spec/wire.md §9.2). */
export function snapshotFrame(
  format: WireFormat,
  topic: string,
  joinRef: Ref,
  seq: number,
  history: History,
): Outgoing {
  const leaves = [...history.snapshotLeaves()]
  if (format.kind === 'json') {
    const entries = leaves.map((leaf) => `${JSON.stringify(leaf.path)}:{${leafJson(leaf)}}`)
    return jsonPush(joinRef, topic, 'snapshot', `{"snapshot_seq":${seq},"entries":{${entries.join(',')}}}`)
  }
  // fromEntries defines own properties, so that a path like `__proto__` stays a key.
  const entries = Object.fromEntries(leaves.map((leaf) => [leaf.path, leafValue(leaf)]))
  return format.encode([joinRef, null, topic, 'snapshot', { snapshot_seq: seq, entries }])
}

/** A page of a snapshot, and the paths between which it lies. */
export interface SnapshotChunk {
  readonly seq: number
  readonly from: string | null
  readonly after: string | null
  readonly page: SnapshotPage
}

/** A `snapshot_chunk` (docs/protocol-extensions.md). */
export function snapshotChunkFrame(
  format: WireFormat,
  topic: string,
  joinRef: Ref,
  { seq, from, after, page: { leaves, last } }: SnapshotChunk,
): Outgoing {
  if (format.kind === 'json') {
    const entries = leaves.map((leaf) => `{"path":${JSON.stringify(leaf.path)},${leafJson(leaf)}}`)
    const place = `"from":${JSON.stringify(from)},"after":${JSON.stringify(after)},"last":${last}`
    const payload = `{"snapshot_seq":${seq},${place},"entries":[${entries.join(',')}]}`
    return jsonPush(joinRef, topic, 'snapshot_chunk', payload)
  }
  const entries = leaves.map((leaf) => ({ path: leaf.path, ...leafValue(leaf) }))
  const payload = { snapshot_seq: seq, from, after, last, entries }
  return format.encode([joinRef, null, topic, 'snapshot_chunk', payload])
}

function leafJson({ valueJson, type, seq }: SnapshotLeaf): string {
  return `"value":${valueJson},"type":"${type}","seq":${seq}`
}

function leafValue({ valueJson, type, seq }: SnapshotLeaf) {
  return { value: parseJson(valueJson), type, seq }
}
