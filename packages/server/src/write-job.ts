import { hash } from 'node:crypto'
import { type JsonMap, type Op, type Rejection, stringifyJson } from '@dustlayer/protocol'
import { accepted, type Reply, rejected } from './reply.js'
import type { Job } from './sequencer.js'
import type { ReceiptKey, StoredFile, StoreStorage } from './storage.js'
import type { WriteSession } from './write-session.js'

export interface Limits {
  /** Leaves a store may hold; 0 means any number. */
  readonly maxKeys: number
}

/** A parsed `write` from a device. An identical resend gets the first reply again and has no further effect. */
export function writeJob(op: Op, deviceId: string, limits: Limits): Job<Reply> {
  const valueJson = stringifyJson(op.value)
  const key = { deviceId, clientOpId: op.opId, fingerprint: fingerprint(op, valueJson) }
  return (session) => once(session, key, () => write(session, op, deviceId, valueJson, limits))
}

/** A file whose bytes are stored already. */
export interface FileWrite {
  readonly path: string
  readonly clientOpId: string
  readonly file: StoredFile
}

export function putFileJob(
  { path, clientOpId, file }: FileWrite,
  deviceId: string,
  limits: Limits,
): Job<Reply> {
  const { hash: contentHash, size, contentType, filename } = file
  const print = digest(stringifyJson(['put_file', path, contentHash, contentType, filename]))
  return (session) =>
    once(session, { deviceId, clientOpId, fingerprint: print }, () => {
      const value = {
        _type: 'file',
        hash: contentHash,
        size,
        content_type: contentType,
        filename,
        uploaded_at: isoMicroseconds(session.now),
      }
      const exceeded = keyLimit(session.storage, [{ kind: 'put', path }], limits)
      if (exceeded) return rejected(exceeded)
      session.storage.files.add(file)
      const seq = session.append({ op: 'put_file', path, value }, { deviceId, clientOpId })
      return accepted({ store_seq: seq, hash: contentHash })
    })
}

function write(session: WriteSession, op: Op, deviceId: string, valueJson: string, limits: Limits): Reply {
  const plan = session.plan(op)
  if (!plan.ok) return rejected(plan.rejection)
  if (plan.noop) return accepted({ ...plan.reply })
  const exceeded = keyLimit(session.storage, plan.effects, limits)
  if (exceeded) return rejected(exceeded)
  const seq = session.append(
    { op: op.op, path: op.path, value: plan.value },
    { deviceId, clientOpId: op.opId },
    { effects: plan.effects, valueJson: plan.value === op.value ? valueJson : undefined },
  )
  return accepted({ store_seq: seq, ...plan.reply })
}

/** Gives a resend the reply of the first sending; what is answered is remembered in the same transaction. */
function once({ storage }: WriteSession, key: ReceiptKey, first: () => Reply): Reply {
  const known = storage.receipts.find(key)
  // Receipts are written below only.
  if (known !== undefined) return known as unknown as Reply
  const reply = first()
  storage.receipts.add(key, { status: reply.status, response: reply.response } satisfies JsonMap)
  return reply
}

/** Counts net-new leaves, as the reference does: room that the same op makes is not counted. */
function keyLimit(
  storage: StoreStorage,
  effects: readonly { kind: string; path: string }[],
  { maxKeys }: Limits,
): Rejection | undefined {
  if (maxKeys === 0) return undefined
  const added = effects.filter(({ kind, path }) => kind === 'put' && !storage.entries.get(path)).length
  const current = storage.entries.count()
  if (added === 0 || current + added <= maxKeys) return undefined
  return { reason: 'limit_exceeded', dimension: 'keys', current, limit: maxKeys }
}

/** Of everything an op says besides who sends it: another op under the same id is another op. */
function fingerprint(op: Op, valueJson: string): string {
  const { ifMatch, ifAbsent, fence, ttlMs, holder, token } = op
  const rest = [op.op, op.path, ifMatch, ifAbsent, fence?.key, fence?.token, ttlMs, holder, token]
  return digest(stringifyJson(rest.map((part) => part ?? null)) + valueJson)
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22)
}

/** ISO-8601 in UTC with microseconds, as file envelopes have it (spec/wire.md §7). */
function isoMicroseconds(now: number): string {
  return new Date(now).toISOString().replace('Z', '000Z')
}
