import { DustError, errorToData, parsePattern, StorageError } from '@dustlayer/protocol'
import type { Replica } from '@dustlayer/replica'
import type { StoreDatabase } from '../storage/storage.js'
import { toStorageError } from '../storage/storage-error.js'
import {
  type Call,
  type CallOf,
  type CallResult,
  isLongCall,
  type LongCallKind,
  type StoreCall,
} from '../tab/calls.js'
import type { JobQueue } from './job-queue.js'
import type { LongJob } from './long-calls.js'

/** A call on its way through the leader. */
export interface Job {
  readonly tab: string
  readonly call: StoreCall
  /** A tab may have sent the call before, to a leader that is gone. */
  readonly again: boolean
  settle(result: CallResult): void
}

export type WriteCall = CallOf<'write' | 'batch' | 'retryRejection'>
type ReadCall = CallOf<'get' | 'getMany' | 'entry' | 'enum' | 'range'>
/** Calls that change or show who is registered for what; they run between transactions. */
export type DeskCall = Exclude<StoreCall, WriteCall | ReadCall | CallOf<LongCallKind>>

export interface CallRunnerOptions {
  readonly store: string
  readonly replica: Replica
  readonly database: Pick<StoreDatabase, 'durable' | 'makeRoom' | 'explain'>
  /** @throws DustError when the op may not be written at all. */
  write(tab: string, call: WriteCall, again: boolean): void
  desk(tab: string, call: DeskCall): unknown
  /** Answers the job when it ends, in a later turn. */
  long(job: LongJob): void
  /** Runs what takes long when there is much to read. */
  atLength<T>(work: () => T): T
  /** After a transaction that held writes has committed. */
  onWritten(): void
}

/** Runs calls of one store: at least one, and then until there are none or it is told that its time is up. */
export type CallRunner = (jobs: JobQueue, isOver: () => boolean) => void

/**
 * Neighbours that read or write share one transaction, which is what makes a thousand writes of one tick cost one
 * flush of the disk, and reads of one tick one lock. A transaction ends
 * when the time is up, so that it lasts no longer however many calls there are. A call is answered only after its
 * transaction has committed, a write only when that is durable.
 */
export function createCallRunner(options: CallRunnerOptions): CallRunner {
  const { store, replica, database, write, desk, long, atLength, onWritten } = options

  /** Runs the group, and with it the neighbours that `more` gives, in one transaction. */
  const runGroup = (group: Job[], more: () => Job | undefined, rest: () => Job | undefined): void => {
    let results: CallResult[]
    try {
      results = commit(group, more)
    } catch (error) {
      if (writesIn(group) && database.makeRoom(error)) {
        runGroup(group, noMore, rest)
        return
      }
      // To undo a transaction takes long: not once for each of thousands that would fail as well.
      for (let job = rest(); job; job = rest()) group.push(job)
      void database.explain(error).then((explained) => fail(group, explained))
      return
    }
    const writes = writesIn(group)
    const settle = (): void => {
      group.forEach((job, i) => {
        job.settle(results[i] as CallResult)
      })
      if (writes) onWritten()
    }
    const durable = writes ? database.durable() : null
    if (durable) durable.then(settle, (error: unknown) => fail(group, error))
    else settle()
  }

  const commit = (group: Job[], more: () => Job | undefined): CallResult[] =>
    replica.transaction(() => {
      const results = group.map(perform)
      for (let job = more(); job; job = more()) {
        group.push(job)
        results.push(perform(job))
      }
      return results
    })

  const perform = ({ tab, call, again }: Job): CallResult =>
    isWriteCall(call)
      ? attempt(() => write(tab, call, again), breaksTransaction)
      : // Groups hold reads and writes only.
        attempt(() => readCall(call as ReadCall))

  const readCall = (call: ReadCall): unknown =>
    isWide(call) ? atLength(() => read(replica, call)) : read(replica, call)

  const fail = (group: readonly Job[], error: unknown): void => {
    const failed: CallResult = { ok: false, error: errorToData(toStorageError(error, store)) }
    for (const job of group) job.settle(failed)
  }

  const attempt = (run: () => unknown, isFatal: (error: unknown) => boolean = () => false): CallResult => {
    try {
      return { ok: true, value: run() }
    } catch (error) {
      if (isFatal(error)) throw error
      return { ok: false, error: errorToData(toStorageError(error, store)) }
    }
  }

  const runNext = (job: Job, jobs: JobQueue, isOver: () => boolean): void => {
    const { call, tab } = job
    if (isLongCall(call)) {
      long({ ...job, call })
    } else if (isDeskCall(call)) {
      job.settle(attempt(() => desk(tab, call)))
    } else {
      const neighbour = (): Job | undefined => (isGroupable(jobs.peek()) ? jobs.take() : undefined)
      runGroup([job], () => (isOver() ? undefined : neighbour()), neighbour)
    }
  }

  return (jobs, isOver) => {
    for (let job = jobs.take(); job; job = isOver() ? undefined : jobs.take()) runNext(job, jobs, isOver)
  }
}

const noMore = (): undefined => undefined

function writesIn(group: readonly Job[]): boolean {
  return group.some(({ call }) => isWriteCall(call))
}

/** It may bring everything that the store has. */
function isWide(call: ReadCall): boolean {
  return (call.kind === 'enum' || call.kind === 'range') && (call.options.limit ?? Infinity) > NARROW
}

const NARROW = 1_000

function isGroupable(job: Job | undefined): boolean {
  return job !== undefined && !isLongCall(job.call) && !isDeskCall(job.call)
}

function read(replica: Replica, call: ReadCall): unknown {
  switch (call.kind) {
    case 'get':
      return replica.read(call.path)
    case 'getMany':
      return call.paths.map((path) => replica.read(path))
    case 'entry':
      return replica.entry(call.path)
    case 'enum':
      return replica.enum(parsePattern(call.pattern), call.options)
    case 'range':
      return replica.range(call.from, call.to, call.options)
  }
}

export function isWriteCall(call: Call): call is WriteCall {
  return call.kind === 'write' || call.kind === 'batch' || call.kind === 'retryRejection'
}

function isDeskCall(call: Exclude<StoreCall, CallOf<LongCallKind>>): call is DeskCall {
  if (isWriteCall(call)) return false
  switch (call.kind) {
    case 'get':
    case 'getMany':
    case 'entry':
    case 'enum':
    case 'range':
      return false
    default:
      return true
  }
}

/** A refused op changed nothing; any other failure may have left half a write, so the transaction must go. */
function breaksTransaction(error: unknown): boolean {
  return !(error instanceof DustError) || error instanceof StorageError
}
