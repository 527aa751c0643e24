import { type Op, stringifyJson } from '@dustlayer/protocol'
import { accepted, type Reply, rejected } from './reply.js'
import { fingerprint, once, receiptKey, remember } from './resend.js'
import type { Job } from './sequencer.js'
import type { ReceiptKey } from './storage.js'
import { type Limits, type WriteContext, writeOp } from './write-job.js'
import type { WriteSession } from './write-session.js'

/** A parsed `batch` (docs/protocol-extensions.md). */
export interface Batch {
  readonly id: string
  readonly ops: readonly Op[]
}

/** An op of a batch, ready to be written. */
interface Item {
  readonly op: Op
  readonly key: ReceiptKey
  readonly context: WriteContext
}

/**
 * All ops of the batch, each planned on top of those before it, or none. A resend of the batch, and of one of its ops
 * by itself, gets the first reply again.
 */
export function batchJob({ id, ops }: Batch, deviceId: string, limits: Limits): Job<Reply> {
  const items = ops.map((op): Item => {
    const valueJson = stringifyJson(op.value)
    return { op, key: receiptKey(op, valueJson, deviceId), context: { deviceId, valueJson, limits } }
  })
  const print = fingerprint(['batch', ...items.map(({ key }) => [key.clientOpId, key.fingerprint])])
  const key = { deviceId, clientOpId: id, fingerprint: print }
  return (session) => once(session, key, () => session.tentatively(() => writeAll(session, items)))
}

function writeAll(session: WriteSession, items: readonly Item[]): Reply {
  const seqs: number[] = []
  for (const [index, { op, key, context }] of items.entries()) {
    const reply = session.storage.receipts.find(key)
      ? // Answered by itself before: it must not take effect again, nor get two answers.
        rejected({ reason: 'duplicate_client_op_id' })
      : writeOp(session, op, context)
    if (reply.status === 'error') return { status: 'error', response: { ...reply.response, op_index: index } }
    remember(session.storage, key, reply)
    seqs.push(session.head())
  }
  return accepted({ store_seq: session.head(), store_seqs: seqs })
}
