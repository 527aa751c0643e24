import { hash } from 'node:crypto'
import { type JsonMap, type JsonValue, type Op, stringifyJson } from '@dustlayer/protocol'
import type { Reply } from './reply.js'
import type { ReceiptKey, StoreStorage } from './storage.js'
import type { WriteSession } from './write-session.js'

/** Gives a resend the reply of the first sending; what is answered is remembered in the same transaction. */
export function once({ storage }: WriteSession, key: ReceiptKey, first: () => Reply): Reply {
  const known = storage.receipts.find(key)
  // Receipts are written below only.
  if (known !== undefined) return known as unknown as Reply
  const reply = first()
  remember(storage, key, reply)
  return reply
}

export function remember(storage: StoreStorage, key: ReceiptKey, { status, response }: Reply): void {
  storage.receipts.add(key, { status, response } satisfies JsonMap)
}

/** Another op under the same id is another op. */
export function receiptKey(op: Op, valueJson: string, deviceId: string): ReceiptKey {
  const { ifMatch, ifAbsent, fence, ttlMs, holder, token } = op
  const rest = [op.op, op.path, ifMatch, ifAbsent, fence?.key, fence?.token, ttlMs, holder, token]
  return {
    deviceId,
    clientOpId: op.opId,
    fingerprint: fingerprint(
      rest.map((part) => part ?? null),
      valueJson,
    ),
  }
}

/** Of everything that a push says besides who sends it. */
export function fingerprint(said: JsonValue, valueJson = ''): string {
  return hash('sha256', stringifyJson(said) + valueJson, 'base64url').slice(0, 22)
}
