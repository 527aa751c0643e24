import { digestText, parseBatch } from '@dustlayer/protocol'
import { batchJob } from './batch-job.js'
import { permissionsOf } from './join.js'
import { noteDevice } from './note-device.js'
import { denyArchived, denyWrite, type Push, submit, submitWrite } from './push.js'
import { accepted, rejected } from './reply.js'
import { authenticate, refusal } from './token.js'

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

/** Queued like a write, so that it tells of the writes that were sent before it, and of no moment that is over. */
export function handleDigest(push: Push): void {
  const { sequencer, storage } = push.store
  submit(push, () => accepted(), {
    afterwards: () => accepted({ seq: sequencer.head(), digest: digestText(storage.entries.digest()) }),
    afterSeq: sequencer.head,
  })
}

/**
 * Another token takes the place of the connection's. One that is not good, or does not open the store that it came
 * for, changes nothing. Writes that came before it count by the token of their time.
 */
export function handleReauth({ services, store, deviceId, payload, answer, regrant }: Push): void {
  const { catalog, clock, logger } = services
  const { token } = payload
  const grant = typeof token === 'string' ? authenticate(catalog, token, clock.now()) : undefined
  if (!grant) {
    answer(rejected({ reason: 'unauthorized', message: 'The token is not known, revoked, or has expired' }))
    return
  }
  const denied = refusal(grant, store.record, 'entries:read')
  if (denied) {
    answer(rejected(denied))
    return
  }
  answer(accepted(permissionsOf(grant, store.record)))
  regrant(grant)
  logger.debug('a connection has another token', { deviceId })
  noteDevice(services, deviceId, grant.tokenId)
}
