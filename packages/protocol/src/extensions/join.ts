import { FrameError } from '../errors.js'
import type { FramePayload, JoinPayload, JoinReply } from '../frame.js'
import { isObject } from '../value.js'
import { seqField, textField, textOrNullField } from './fields.js'
import { type ExtensionName, knownExtensions } from './names.js'

/** Where an unfinished chunked snapshot is to be continued: the snapshot of `seq`, after the path `after`. */
export type SnapshotResume = { seq: number; after: string }

/** What a client adds to its `phx_join`. */
export type JoinExtensions = {
  /** What the client can do. */
  extensions: ExtensionName[]
  /** Which history of the store the client's data belongs to; null when it has none, or never learned it. */
  incarnation: string | null
  snapshot?: SnapshotResume
}

/** `phx_join` of a client that knows extensions. */
export type ExtendedJoinPayload = JoinPayload & JoinExtensions

/** What a server adds to its reply to such a join. */
export type JoinReplyExtensions = {
  /** What both can do; the join goes by these. */
  extensions: ExtensionName[]
  /** The history of the store; null from a server that has no extensions. */
  incarnation: string | null
  /** The client's data is of another history, or ahead of this one. The server goes on as if it had none. */
  reset: boolean
}

/** The reply to a join that asked for extensions. */
export type ExtendedJoinReply = JoinReply & {
  extensions: ExtensionName[]
  incarnation: string
  reset?: true
}

/**
 * What a join asks for besides the common protocol; null when it asks for nothing, and must get nothing.
 * @throws FrameError when it does ask, and a field is malformed.
 */
export function parseJoinExtensions(payload: FramePayload): JoinExtensions | null {
  const { extensions, snapshot } = payload
  if (!Array.isArray(extensions)) return null
  const resume = parseResume(snapshot ?? null)
  return {
    extensions: knownExtensions(extensions),
    incarnation: textOrNullField(payload, 'incarnation', 'A join'),
    ...(resume && { snapshot: resume }),
  }
}

/**
 * What the reply to a join grants. From a server that knows no extensions: none.
 * @throws FrameError when a field is malformed.
 */
export function parseJoinReplyExtensions(response: FramePayload): JoinReplyExtensions {
  const { extensions, reset } = response
  if (!Array.isArray(extensions)) return { extensions: [], incarnation: null, reset: false }
  return {
    extensions: knownExtensions(extensions),
    incarnation: textOrNullField(response, 'incarnation', 'A join reply'),
    reset: reset === true,
  }
}

function parseResume(snapshot: FramePayload[string]): SnapshotResume | undefined {
  if (snapshot === null) return undefined
  if (!isObject(snapshot)) throw new FrameError('A join: snapshot is not an object.')
  return { seq: seqField(snapshot, 'seq', 'A join'), after: textField(snapshot, 'after', 'A join') }
}
