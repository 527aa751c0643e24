import { type Op, type Rejection, stringifyJson } from '@dustlayer/protocol'
import { accepted, type Reply, rejected } from './reply.js'
import { fingerprint, once, receiptKey } from './resend.js'
import type { Job } from './sequencer.js'
import type { StoredFile, StoreStorage } from './storage.js'
import type { WriteSession } from './write-session.js'

export interface Limits {
  /** Leaves a store may hold; 0 means any number. */
  readonly maxKeys: number
}

/** A parsed `write` from a device. An identical resend gets the first reply again and has no further effect. */
export function writeJob(op: Op, deviceId: string, limits: Limits): Job<Reply> {
  const valueJson = stringifyJson(op.value)
  const key = receiptKey(op, valueJson, deviceId)
  return (session) => once(session, key, () => writeOp(session, op, { deviceId, valueJson, limits }))
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
  const print = fingerprint(['put_file', path, contentHash, contentType, filename])
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

export interface WriteContext {
  readonly deviceId: string
  /** The op's value as JSON text. */
  readonly valueJson: string
  readonly limits: Limits
}

/** Plans the op and carries it out, unless it is refused. */
export function writeOp(session: WriteSession, op: Op, { deviceId, valueJson, limits }: WriteContext): Reply {
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

/** ISO-8601 in UTC with microseconds, as file envelopes have it (spec/wire.md §7). */
function isoMicroseconds(now: number): string {
  return new Date(now).toISOString().replace('Z', '000Z')
}
