import type { FramePayload, Rejection } from '@dustlayer/protocol'
import { parsePathField } from './path-field.js'

/** A `put_file` push, parsed (spec/wire.md §7). */
export type PutFile =
  | {
      readonly ok: true
      readonly path: string
      readonly clientOpId: string
      readonly bytes: Buffer
      readonly contentType: string
      readonly filename: string | null
    }
  | { readonly ok: false; readonly rejection: Rejection }

const DEFAULT_CONTENT_TYPE = 'application/octet-stream'

// Printable ASCII: it becomes a header of the download.
const CONTENT_TYPE = /^[\x20-\x7e]{1,255}$/

export function readPutFile(payload: FramePayload): PutFile {
  const path = parsePathField(payload.path ?? payload.path_segments)
  if (!path.ok) return refused(path.reason)
  const bytes = typeof payload.content === 'string' ? decodeBase64(payload.content) : undefined
  if (!bytes) return refused('invalid_base64')
  const clientOpId = payload.client_op_id
  if (typeof clientOpId !== 'string') return refused('missing_client_op_id')
  const contentType = payload.content_type ?? DEFAULT_CONTENT_TYPE
  if (typeof contentType !== 'string' || !CONTENT_TYPE.test(contentType))
    return refused('invalid_content_type')
  const filename = payload.filename ?? null
  if (filename !== null && typeof filename !== 'string') return refused('invalid_filename')
  return { ok: true, path: path.path, clientOpId, bytes, contentType, filename }
}

function refused(reason: string): PutFile {
  return { ok: false, rejection: { reason } }
}

/** Standard alphabet with padding. Node's decoder skips what it does not know, so the result is compared. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
