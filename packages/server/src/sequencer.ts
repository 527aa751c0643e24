import { ClosedError, parseJson } from '@dustlayer/protocol'
import type { Clock } from './clock.js'
import { createLeases } from './leases.js'
import { type Scheduler, systemScheduler } from './scheduler.js'
import type { LoggedOp, SnapshotInfo, StoreStorage } from './storage.js'
import { openWriteSession, type WriteSession } from './write-session.js'

/** A piece of work inside the write transaction of a store. It may run more than once, but takes effect once. */
export type Job<T> = (session: WriteSession) => T

export type JobResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown }

/**
 * The one writer of a store. Jobs that have arrived are committed together; what they did is announced, and each
 * is told its result, only after the commit.
 */
export interface Sequencer {
  /** The newest committed store_seq. */
  head(): number
  /**
   * Runs `settle` once, after the job's commit has been announced. `weight`, 1 unless given, is how many ops the job
   * may come to: it bounds what is committed together.
   */
  submit<T>(job: Job<T>, settle: (result: JobResult<T>) => void, weight?: number): void
  /** Replaces the log by a snapshot. Null when there is nothing to compact. */
  compact(): SnapshotInfo | null
  /** Commits what is queued, at once; later jobs are refused with ClosedError. */
  close(): void
}

export interface SequencerOptions {
  readonly storage: StoreStorage
  readonly clock: Clock
  /** Decides when what has arrived is committed; the system's unless given. */
  readonly scheduler?: Scheduler | undefined
  /** Called after each commit with its ops, in order. Must not throw. */
  readonly committed: (ops: readonly LoggedOp[]) => void
}

// Bounds how long the event loop stands still and how much memory one transaction takes.
const MAX_GROUP_WEIGHT = 1_000

interface Queued {
  readonly weight: number
  run(session: WriteSession): void
  fail(error: unknown): void
  settle(): void
}

export function createSequencer(options: SequencerOptions): Sequencer {
  const { storage, clock, scheduler = systemScheduler, committed } = options
  const leases = createLeases(clock)
  const queue: Queued[] = []
  let head = storage.log.head()
  let scheduled = false
  let closed = false

  const attempt = (batch: readonly Queued[]): readonly LoggedOp[] => {
    const session = openWriteSession(storage, leases, clock, head)
    try {
      storage.transaction(() => {
        for (const queued of batch) queued.run(session)
      })
    } catch (error) {
      session.undo()
      throw error
    }
    return session.appended
  }

  const announce = (batch: readonly Queued[], ops: readonly LoggedOp[]): void => {
    head += ops.length
    for (const op of ops) {
      if (op.op === 'lease' || op.op === 'renew') leases.granted(op.path, parseJson(op.valueJson))
    }
    if (ops.length > 0) committed(ops)
    for (const queued of batch) queued.settle()
  }

  const commitAlone = (queued: Queued): void => {
    let ops: readonly LoggedOp[]
    try {
      ops = attempt([queued])
    } catch (error) {
      queued.fail(error)
      return
    }
    announce([queued], ops)
  }

  const commitTogether = (batch: readonly Queued[]): void => {
    let ops: readonly LoggedOp[]
    try {
      ops = attempt(batch)
    } catch {
      // One of them may be to blame: alone, it fails alone, and its error is reported to its writer.
      for (const queued of batch) commitAlone(queued)
      return
    }
    announce(batch, ops)
  }

  const flush = (): void => {
    scheduled = false
    const batch = takeGroup(queue)
    if (batch.length === 1 && batch[0]) commitAlone(batch[0])
    else if (batch.length > 1) commitTogether(batch)
    if (queue.length > 0) schedule()
  }

  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    scheduler.defer(flush)
  }

  return {
    head: () => head,
    submit(job, settle, weight = 1) {
      if (closed) {
        settle({ ok: false, error: new ClosedError('The server is shutting down. Send the op again later.') })
        return
      }
      queue.push(toQueued(job, settle, weight))
      schedule()
    },
    compact: () => storage.history.compact(clock.now()),
    close() {
      closed = true
      while (queue.length > 0) flush()
    },
  }
}

/** At least one, and as many as the weight allows. */
function takeGroup(queue: Queued[]): Queued[] {
  let count = 0
  let weight = 0
  for (const queued of queue) {
    weight += queued.weight
    if (count > 0 && weight > MAX_GROUP_WEIGHT) break
    count++
  }
  return queue.splice(0, count)
}

function toQueued<T>(job: Job<T>, settle: (result: JobResult<T>) => void, weight: number): Queued {
  let value: { readonly result: T } | undefined
  return {
    weight,
    run(session) {
      value = { result: job(session) }
    },
    fail: (error) => settle({ ok: false, error }),
    settle() {
      // A batch settles only what it ran.
      if (value) settle({ ok: true, value: value.result })
    },
  }
}
