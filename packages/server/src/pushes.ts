import { ClosedError, type FramePayload, parseWrite } from '@dustlayer/protocol'
import { permissionsOf } from './join.js'
import { describeError } from './log.js'
import { isActive, type OpenStore } from './open-store.js'
import { parsePathField } from './path-field.js'
import { readPutFile } from './put-file.js'
import { accepted, type Reply, rejected } from './reply.js'
import { pathRollbackJob, storeRollbackJob } from './rollback-job.js'
import type { Scope } from './scope.js'
import type { Job } from './sequencer.js'
import type { Services } from './services.js'
import { statusOf } from './status.js'
import { type Grant, refusal } from './token.js'
import { putFileJob, writeJob } from './write-job.js'

/** A push on a joined topic, and who sent it. */
export interface Push {
  readonly services: Services
  readonly grant: Grant
  readonly store: OpenStore
  readonly deviceId: string
  readonly payload: FramePayload
  /** Answers the push, once; with `afterSeq` not before that op's event has been sent. */
  readonly answer: (reply: Reply, afterSeq?: number) => void
}

type Handler = (push: Push) => void

/** What a client may send on a store topic (spec/wire.md §5). */
export const PUSH_HANDLERS: ReadonlyMap<string, Handler> = new Map([
  ['write', handleWrite],
  ['put_file', handlePutFile],
  ['rollback', handleRollback],
  ['status', handleStatus],
  // What a client has seen is of no use to this server, but the message is part of the protocol.
  ['ack_seq', ({ answer }) => answer(accepted())],
])

/** Queued like a write, so that it tells of the writes that were sent before it. */
function handleStatus(push: Push): void {
  const { store, grant } = push
  submit(push, (session) =>
    accepted({ ...statusOf(store, session.head()), ...permissionsOf(grant, store.record) }),
  )
}

/** The order of the checks is that of spec/wire.md §6.1. */
function handleWrite(push: Push): void {
  const { services, store, payload, deviceId, answer } = push
  const denied = denyWrite(push, 'entries:write')
  if (denied) {
    answer(denied)
    return
  }
  const parsed = parseWrite(payload)
  if (!parsed.ok && parsed.rejection.reason === 'invalid op') {
    answer(rejected(parsed.rejection))
    return
  }
  if (!isActive(store.record, services.clock.now())) {
    answer(rejected({ reason: 'store_archived' }))
    return
  }
  if (!parsed.ok) {
    answer(rejected(parsed.rejection))
    return
  }
  submit(push, writeJob(parsed.op, deviceId, services.limits))
}

/** The order of the checks is that of spec/wire.md §7. */
function handlePutFile(push: Push): void {
  const { services, store, payload, deviceId, answer } = push
  const denied = denyWrite(push, 'files:write')
  if (denied) {
    answer(denied)
    return
  }
  if (!isActive(store.record, services.clock.now())) {
    answer(rejected({ reason: 'store_archived' }))
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
  submit(push, path === undefined ? storeRollbackJob(toSeq) : pathRollbackJob(path, toSeq))
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

function denyWrite({ services, grant, store }: Push, scope: Scope): Reply | undefined {
  const denied = refusal(grant, store.record, scope)
  if (denied) return rejected(denied)
  const wait = services.rateLimiter.hit(grant.tokenId)
  return wait === undefined ? undefined : rejected({ reason: 'rate_limited', retry_after_ms: wait })
}

function submit(push: Push, job: Job<Reply>): void {
  const { store, answer } = push
  store.sequencer.submit(job, (result) => {
    if (result.ok) {
      const { value } = result
      answer(value, 'ops_written' in value.response ? store.sequencer.head() : undefined)
      return
    }
    // Without an answer the client sends the op again to the next server; a rejection would lose it.
    if (result.error instanceof ClosedError) return
    answerFailure(push, result.error)
  })
}

function answerFailure({ services, store, answer }: Push, error: unknown): void {
  const { org, name } = store.record
  services.logger.error('an op could not be stored', { store: `${org}/${name}`, error: describeError(error) })
  answer(
    rejected({
      reason: 'storage_failed',
      message: 'The server could not store the op. Nothing was written.',
    }),
  )
}
