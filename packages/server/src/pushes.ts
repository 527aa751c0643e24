import type { ExtensionName, FramePayload } from '@dustlayer/protocol'
import { EXTENSIONS, parseWrite } from '@dustlayer/protocol'
import type { Agreement } from './agreement.js'
import { handleBatch, handleDigest, handleReauth } from './extension-pushes.js'
import { permissionsOf } from './join.js'
import { parsePathField } from './path-field.js'
import {
  answerFailure,
  denyArchived,
  denyWrite,
  type Push,
  type PushHandler,
  submit,
  submitWrite,
} from './push.js'
import { readPutFile } from './put-file.js'
import { accepted, rejected } from './reply.js'
import { pathRollbackJob, storeRollbackJob } from './rollback-job.js'
import { statusOf } from './status.js'
import { refusal } from './token.js'
import { putFileJob, writeJob } from './write-job.js'

/** What a client may send on any store topic (spec/wire.md §5). */
const COMMON: ReadonlyMap<string, PushHandler> = new Map([
  ['write', handleWrite],
  ['put_file', handlePutFile],
  ['rollback', handleRollback],
  ['status', handleStatus],
  ['ack_seq', handleAck],
])

/** What it may send when the join has agreed on the extension of the same name. */
const EXTENDED: ReadonlyMap<string, PushHandler> = new Map<ExtensionName, PushHandler>([
  ['batch', handleBatch],
  ['digest', handleDigest],
  ['reauth', handleReauth],
])

/** Undefined when a client that has joined like this may not send such a push. */
export function handlerOf(event: string, agreement: Agreement): PushHandler | undefined {
  const extension = EXTENSIONS.find((name) => name === event)
  return extension && agreement.has(extension) ? EXTENDED.get(extension) : COMMON.get(event)
}

/** The log is kept for devices that have said how far they have come. */
function handleAck({ store, deviceId, payload, answer }: Push): void {
  const { seq } = payload
  if (typeof seq === 'number' && Number.isSafeInteger(seq) && seq >= 0) store.acknowledge(deviceId, seq)
  answer(accepted())
}

/** Queued like a write, so that it tells of the writes that were sent before it. */
function handleStatus(push: Push): void {
  const { store, grant } = push
  submit(push, (session) =>
    accepted({ ...statusOf(store, session.head()), ...permissionsOf(grant, store.record) }),
  )
}

/** The order of the checks is that of spec/wire.md §6.1. */
function handleWrite(push: Push): void {
  const { services, payload, deviceId } = push
  const denied = denyWrite(push, 'entries:write')
  if (denied) {
    submitWrite(push, denied)
    return
  }
  const parsed = parseWrite(payload)
  const unknown = !parsed.ok && parsed.rejection.reason === 'invalid op'
  const archived = unknown ? undefined : denyArchived(push)
  if (archived) submitWrite(push, archived)
  else if (parsed.ok) submitWrite(push, writeJob(parsed.op, deviceId, services.limits))
  else submitWrite(push, rejected(parsed.rejection))
}

/** The order of the checks is that of spec/wire.md §7. */
function handlePutFile(push: Push): void {
  const { services, store, payload, deviceId, answer } = push
  const denied = denyWrite(push, 'files:write') ?? denyArchived(push)
  if (denied) {
    answer(denied)
    return
  }
  const upload = readPutFile(payload)
  if (!upload.ok) {
    answer(rejected(upload.rejection))
    return
  }
  const { path, clientOpId, bytes, contentType, filename } = upload
  let hash: string
  try {
    hash = services.blobs.put(bytes)
    services.catalog.uploads.add(hash, store.record.id)
  } catch (error) {
    answerFailure(push, error)
    return
  }
  const file = { hash, size: bytes.length, contentType, filename }
  submit(push, putFileJob({ path, clientOpId, file }, deviceId, services.limits))
}

function handleRollback(push: Push): void {
  const { grant, store, payload, answer } = push
  if (refusal(grant, store.record, 'entries:write')) {
    const message = 'Token is missing entries:write scope'
    answer(rejected({ reason: 'missing_scope', scope: 'entries:write', message }))
    return
  }
  const target = rollbackPath(payload)
  if (!target.ok) {
    answer(rejected({ reason: target.reason }))
    return
  }
  const toSeq = payload.to_seq
  if (typeof toSeq !== 'number' || !Number.isSafeInteger(toSeq)) {
    answer(rejected({ reason: 'invalid_to_seq' }))
    return
  }
  const { path } = target
  if (path === undefined) submit(push, storeRollbackJob(toSeq), { afterSeq: () => store.sequencer.head() })
  else submit(push, pathRollbackJob(path, toSeq))
}

/**
 * The path to roll back; undefined, for the whole store, only when the payload names no path in any way. The
 * reference takes a payload with just `path_segments` for the whole store (spec/wire.md §8).
 */
function rollbackPath(
  payload: FramePayload,
): { ok: true; path: string | undefined } | { ok: false; reason: string } {
  const named = Object.hasOwn(payload, 'path') || Object.hasOwn(payload, 'path_segments')
  if (!named) return { ok: true, path: undefined }
  return parsePathField(payload.path ?? payload.path_segments)
}
