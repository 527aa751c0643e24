import { FrameError, PathError } from './errors.js'
import { excerpt, type JsonValue } from './json.js'
import { parsePath, parseSegments, renderPath } from './path.js'

// Every message of the wire (spec/wire.md §2-§9). The payloads are type aliases, not interfaces, because only those
// are assignable to FramePayload.

/** The object that every message carries. */
export type FramePayload = { [key: string]: JsonValue }

/** Pairs messages. Text from all known clients; an integer is kept as one, since who sent it expects it back so. */
export type Ref = string | number | null

/**
 * One message. `joinRef` is the `ref` of the join of this topic; `ref` pairs a push with its reply, and is null on
 * what the server pushes by itself.
 */
export type Frame = readonly [joinRef: Ref, ref: Ref, topic: string, event: string, payload: FramePayload]

/** All ops that an `event` can tell of. */
export type OpName =
  | 'set'
  | 'delete'
  | 'merge'
  | 'increment'
  | 'add'
  | 'remove'
  | 'put_file'
  | 'lease'
  | 'renew'
  | 'release'

const OP_NAMES: ReadonlySet<string> = new Set<OpName>([
  'set',
  'delete',
  'merge',
  'increment',
  'add',
  'remove',
  'put_file',
  'lease',
  'renew',
  'release',
])

/** `phx_join` (§4). */
export type JoinPayload = {
  /** Everything up to this store_seq is known to the client; 0 for nothing. */
  last_store_seq: number
}

/** What the token allows on this store. */
export type Permissions = { read: boolean; write: boolean }

/** Which stores the token is granted; `store_ids` is empty for all. */
export type StoreAccess = { mode: 'all' | 'selected'; store_ids: string[] }

/** The response to a join (§4). */
export type JoinReply = {
  /** The head of the store at the join. */
  store_seq: number
  capver: number
  capver_min: number
  permissions: Permissions
  scopes: string[]
  store_access: StoreAccess
}

/** `write` (§6). Which fields count depends on the op. */
export type WritePayload = {
  op: Exclude<OpName, 'put_file'>
  path: string
  path_segments: string[]
  value?: JsonValue
  client_op_id: string
  if_match?: number
  if_absent?: true
  fence?: { key: string; token: JsonValue }
  /** Milliseconds. */
  ttl_ms?: number
  holder?: JsonValue
  token?: JsonValue
}

/** The response to an accepted write (§6.2). */
export type WriteReply = {
  store_seq: number
  /** Lease and renew only: the fence token, the end in epoch milliseconds, and who holds it. */
  token?: number
  expires_at?: number
  holder?: JsonValue
}

/** The response to a release that found nothing to release. */
export type ReleaseNoopReply = { released: false }

/** `put_file` (§7). `content` is base64 with padding. */
export type PutFilePayload = {
  path: string
  path_segments: string[]
  content: string
  client_op_id: string
  filename?: string | null
  content_type?: string
}

/** The response to `put_file`: `hash` is `sha256:` and 64 hex digits. */
export type PutFileReply = { store_seq: number; hash: string }

/** `rollback` (§8) of one path. A payload without `path` rolls back the whole store. */
export type RollbackPayload = { path: string; path_segments?: string[]; to_seq: number }

/** `rollback` (§8) of the whole store. */
export type StoreRollbackPayload = { to_seq: number }

/** The response to a rollback of one path, and to one of a store. */
export type RollbackReply = { store_seq: number; noop?: true }
export type StoreRollbackReply = { ops_written: number }

/** `ack_seq` (§5); it has no effect. */
export type AckSeqPayload = { seq: JsonValue }

/** The response to `status` (§5). Sizes are bytes. */
export type StatusReply = {
  current_seq: number
  entry_count: number
  op_count: number
  file_storage_bytes: number
  db_size_bytes: number
  expires_at: string | null
  permissions: Permissions
  scopes: string[]
  store_access: StoreAccess
  latest_snapshot_seq: number | null
  latest_snapshot_at: string | null
  /** At most five, the newest first. */
  recent_ops: { store_seq: number; op: OpName; path: string; inserted_at: string }[]
}

/** `phx_reply` (§3). An error's response has a `reason`. */
export type Reply = { status: 'ok' | 'error'; response: FramePayload }

/** `event` (§9.1): an accepted op. `value` is materialised: the total, the whole set, the envelope. */
export type StoreEventPayload = {
  store_seq: number
  op: OpName
  /** Rendered, canonical. */
  path: string
  path_segments: string[]
  value: JsonValue
  device_id: string | null
  client_op_id: string | null
}

/** `snapshot` (§9.2): the whole store by rendered path. Values of the reference are wrapped, see unwrapScalar. */
export type SnapshotPayload = {
  snapshot_seq: number
  entries: { [path: string]: { value: JsonValue; type: string } }
}

/** `catch_up_complete` (§9.3). */
export type CatchUpCompletePayload = { through_seq: number | null }

/**
 * Checks what a codec has decoded. Elements after the fifth are ignored.
 * @throws FrameError when it is no frame.
 */
export function parseFrame(value: unknown): Frame {
  if (!Array.isArray(value))
    throw new FrameError('A frame is a list of join_ref, ref, topic, event and payload.')
  if (value.length < 5) throw new FrameError(`A frame has five elements, this one has ${value.length}.`)
  const [joinRef, ref, topic, event, payload] = value as unknown[]
  if (typeof topic !== 'string') throw new FrameError('The topic of a frame is text.')
  if (typeof event !== 'string') throw new FrameError('The event of a frame is text.')
  if (!isPayload(payload)) throw new FrameError(`The payload of ${event} on ${topic} is not an object.`)
  return [parseRef(joinRef), parseRef(ref), topic, event, payload]
}

/**
 * Checks the payload of an incoming `event`. Where `path_segments` is null, as in old rows, the path is parsed.
 * @throws FrameError naming the field that is wrong.
 */
export function decodeStoreEvent(payload: FramePayload): StoreEventPayload {
  const { store_seq: seq, op, value = null } = payload
  if (!Number.isSafeInteger(seq) || Number(seq) < 0) throw new FrameError('An event has no usable store_seq.')
  if (!isOpName(op)) throw new FrameError(`Event ${seq} has the unknown op ${excerpt(op ?? null)}.`)
  return {
    store_seq: Number(seq),
    op,
    ...eventPath(payload),
    value,
    device_id: optionalText(payload, 'device_id'),
    client_op_id: optionalText(payload, 'client_op_id'),
  }
}

function eventPath(payload: FramePayload): { path: string; path_segments: string[] } {
  const { path, path_segments: list, store_seq: seq } = payload
  try {
    const segments = list === null || list === undefined ? parsePath(path) : parseSegments(list)
    return { path: renderPath(segments), path_segments: [...segments] }
  } catch (cause) {
    if (!(cause instanceof PathError)) throw cause
    throw new FrameError(`Event ${seq} has no valid path: ${cause.message}`, { cause })
  }
}

function optionalText(payload: FramePayload, field: string): string | null {
  const value = payload[field] ?? null
  if (value !== null && typeof value !== 'string')
    throw new FrameError(`Event ${payload.store_seq}: ${field} is no text.`)
  return value
}

function parseRef(ref: unknown): Ref {
  if (typeof ref === 'string' || ref === null) return ref
  if (typeof ref === 'number' && Number.isSafeInteger(ref)) return ref
  throw new FrameError('The refs of a frame are text, integers or null.')
}

function isPayload(value: unknown): value is FramePayload {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isOpName(op: JsonValue | undefined): op is OpName {
  return typeof op === 'string' && OP_NAMES.has(op)
}
