import {
  type AcceptedOp,
  type Effect,
  eventEffects,
  type Op,
  type Plan,
  planOp,
  stringifyJson,
} from '@dustlayer/protocol'
import type { Clock } from './clock.js'
import type { Leases } from './leases.js'
import type { Reply } from './reply.js'
import type { LoggedOp, StoreStorage } from './storage.js'

/** Who an op is from, as its event will say. */
export interface Origin {
  readonly deviceId: string
  readonly clientOpId: string
}

/** What a job may do to a store inside the sequencer's transaction. */
export interface WriteSession {
  readonly storage: StoreStorage
  /** Wall clock, the same for all jobs of a batch. */
  readonly now: number
  /** The store_seq of the last op so far. */
  head(): number
  /** What the op would do now. Changes nothing. */
  plan(op: Op): Plan
  /** Logs an accepted op under the next store_seq and carries out its effects. Returns that seq. */
  append(op: AcceptedOp, origin: Origin, known?: Known): number
  /** Undoes what the body did, unless its reply is ok. */
  tentatively(body: () => Reply): Reply
  /** Called when the transaction is not committed after all; in reverse order. */
  ifUndone(run: () => void): void
  /** Everything appended so far. */
  readonly appended: readonly LoggedOp[]
}

/** What the caller has worked out already, so that it is not done twice. */
export interface Known {
  readonly effects?: readonly Effect[]
  readonly valueJson?: string | undefined
}

/** A session, and what its owner does when the transaction fails. */
export interface OwnedWriteSession extends WriteSession {
  undo(): void
}

/** Thrown to undo the part of a transaction that was refused. */
class Refused extends Error {}

export function openWriteSession(
  storage: StoreStorage,
  leases: Leases,
  clock: Clock,
  head: number,
): OwnedWriteSession {
  const appended: LoggedOp[] = []
  const undoing: (() => void)[] = []
  const now = clock.now()
  const context = { now, leaseExpired: leases.expired }
  return {
    storage,
    now,
    appended,
    head: () => head + appended.length,
    plan: (op) => planOp(op, storage.entries, { ...context, seq: head + appended.length + 1 }),
    append(op, origin, known = {}) {
      const seq = head + appended.length + 1
      const valueJson = known.valueJson ?? stringifyJson(op.value)
      const logged: LoggedOp = { seq, op: op.op, path: op.path, valueJson, ...origin, insertedAt: now }
      storage.log.append(logged)
      storage.entries.apply(known.effects ?? eventEffects(op), seq, { value: op.value, json: valueJson })
      appended.push(logged)
      return seq
    },
    tentatively(body) {
      const before = appended.length
      let reply: Reply | undefined
      try {
        return storage.nested(() => {
          reply = body()
          if (reply.status === 'error') throw new Refused()
          return reply
        })
      } catch (error) {
        appended.length = before
        if (reply && error instanceof Refused) return reply
        throw error
      }
    },
    ifUndone(run) {
      undoing.push(run)
    },
    undo() {
      for (const run of undoing.reverse()) run()
    },
  }
}
