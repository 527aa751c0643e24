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
} from '../tab/tab-protocol.js'
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
  /** After a transaction that held writes has committed. */
  onWritten(): void
}

/**
 * Runs calls in order. Neighbours that read or write share one transaction, which is what makes a thousand writes
 * of one tick cost one flush of the disk, and reads of one tick one lock (spec/sqlite-wasm.md, speed rules 1 and 4).
 * A call is answered only after its transaction has committed, a write only when that is durable.
 */
export function createCallRunner(options: CallRunnerOptions): (jobs: readonly Job[]) => void {
  const { store, replica, database, write, desk, long, onWritten } = options

  const runGroup = (group: readonly Job[]): void => {
    const writes = group.some(({ call }) => isWriteCall(call))
    let results: CallResult[]
    try {
      results = commit(group)
    } catch (error) {
      if (writes && database.makeRoom(error)) runGroup(group)
      else void database.explain(error).then((explained) => fail(group, explained))
      return
    }
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

  const commit = (group: readonly Job[]): CallResult[] =>
    replica.transaction(() =>
      group.map(({ tab, call, again }) =>
        isWriteCall(call)
          ? attempt(() => write(tab, call, again), breaksTransaction)
          : // Groups hold reads and writes only.
            attempt(() => read(replica, call as ReadCall)),
      ),
    )

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

  return (jobs) => {
    let group: Job[] = []
    const endGroup = (): void => {
      if (group.length > 0) runGroup(group)
      group = []
    }
    for (const job of jobs) {
      const { call, tab } = job
      if (isLongCall(call)) {
        endGroup()
        long({ ...job, call })
      } else if (isDeskCall(call)) {
        endGroup()
        job.settle(attempt(() => desk(tab, call)))
      } else {
        group.push(job)
      }
    }
    endGroup()
  }
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
