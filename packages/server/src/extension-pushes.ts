import { digestText, parseBatch } from '@dustlayer/protocol'
import { batchJob } from './batch-job.js'
import { denyArchived, denyWrite, type Push, submit, submitWrite } from './push.js'
import { accepted, rejected } from './reply.js'

// Pushes that a join must have agreed on (docs/protocol-extensions.md).

/** Checked in the order in which a `write` is. */
export function handleBatch(push: Push): void {
  const { services, payload, deviceId } = push
  const size = Array.isArray(payload.ops) ? Math.max(1, payload.ops.length) : 1
  const denied = denyWrite(push, 'entries:write', size) ?? denyArchived(push)
  if (denied) {
    submitWrite(push, denied)
    return
  }
  const batch = parseBatch(payload)
  if (batch.ok) submitWrite(push, batchJob(batch, deviceId, services.limits), size)
  else submitWrite(push, rejected(batch.rejection))
}

/** Queued like a write, so that it tells of the writes that were sent before it. */
export function handleDigest(push: Push): void {
  submit(
    push,
    (session) => accepted({ seq: session.head(), digest: digestText(session.storage.entries.digest()) }),
    { afterSeq: ({ response }) => Number(response.seq) },
  )
}
