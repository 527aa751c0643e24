import {
  addDigest,
  digestText,
  EMPTY_DIGEST,
  type Entry,
  entryDigest,
  type Op,
  type Plan,
  parsePath,
  type Rejection,
  type StoreEventPayload,
  stringifyJson,
} from '@dustlayer/protocol'
import { createModelStore, type ModelEvent, type ModelStore } from '@dustlayer/protocol/testing'

/** The data of a store server: the model store with a log that can be compacted and set back. */
export interface FakeStore {
  /** Another one after `restore`. */
  readonly model: ModelStore
  /** Every accepted op, also those that were compacted. */
  readonly log: readonly ModelEvent[]
  /** The oldest part of the log, as a snapshot in its place. */
  readonly snapshot: { readonly seq: number; readonly entries: readonly Entry[] } | null
  readonly incarnation: string
  /** `now` decides which leases have run out, in epoch ms. */
  apply(op: Op, deviceId: string, now?: number): Plan
  /** All of them or none; gives the rejection and the index of the op that it is about. */
  applyTogether(
    ops: readonly Op[],
    deviceId: string,
  ): { readonly rejection: Rejection; readonly index: number } | null
  eventAt(seq: number): StoreEventPayload
  digest(): string
  compact(through: number): void
  /** Back to an earlier state. `renew`: under another incarnation id. */
  restore(seq: number, renew: boolean): void
}

export function createFakeStore(): FakeStore {
  let model = createModelStore()
  let log: ModelEvent[] = []
  let snapshot: FakeStore['snapshot'] = null
  let generation = 1
  const devices = new Map<number, string>()

  const replayed = (seq: number): ModelStore => {
    const past = createModelStore()
    for (const event of log.slice(0, seq)) past.replay(event)
    return past
  }

  const apply: FakeStore['apply'] = (op, deviceId, now) => {
    const plan = model.apply(op, now)
    const logged = model.log.at(-1)
    if (!plan.ok || plan.noop || !logged) return plan
    log.push(logged)
    devices.set(logged.seq, deviceId)
    return plan
  }

  return {
    get model() {
      return model
    },
    get log() {
      return log
    },
    get snapshot() {
      return snapshot
    },
    get incarnation() {
      return `inc_${generation}`
    },
    apply,
    applyTogether(ops, deviceId) {
      const trial = createModelStore(model.entries())
      for (const [index, op] of ops.entries()) {
        const plan = trial.apply(op)
        if (!plan.ok) return { rejection: plan.rejection, index }
      }
      for (const op of ops) apply(op, deviceId)
      return null
    },
    eventAt(seq) {
      const logged = log[seq - 1]
      if (!logged) throw new Error(`The log has no op ${seq}.`)
      const { op, path, value, opId } = logged
      return {
        store_seq: seq,
        op,
        path,
        path_segments: [...parsePath(path)],
        value,
        device_id: devices.get(seq) ?? 'other',
        client_op_id: opId,
      }
    },
    digest() {
      const sum = model
        .entries()
        .map(({ path, type, seq, value }) => entryDigest(path, type, seq, stringifyJson(value)))
        .reduce(addDigest, EMPTY_DIGEST)
      return digestText(sum)
    },
    compact(through) {
      snapshot = { seq: through, entries: replayed(through).entries() }
    },
    restore(seq, renew) {
      model = replayed(seq)
      log = log.slice(0, seq)
      for (const at of devices.keys()) if (at > seq) devices.delete(at)
      if (snapshot && snapshot.seq > seq) snapshot = null
      if (renew) generation += 1
    },
  }
}
