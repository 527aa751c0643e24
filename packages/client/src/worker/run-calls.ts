import { DustError, errorToData, parsePattern, StorageError } from '@dustlayer/protocol'
import type { LocalOp, Replica } from '@dustlayer/replica'
import { toStorageError } from '../storage/storage-error.js'
import type { Call, CallOf, CallResult } from '../tab/tab-protocol.js'

/** A call on its way through the leader. */
export interface Job {
  readonly tab: string
  readonly call: Call
  /** A tab may have sent the call before, to a leader that is gone. */
  readonly again: boolean
  settle(result: CallResult): void
}

type WriteCall = CallOf<'write'>
type ReadCall = CallOf<'get' | 'getMany' | 'entry' | 'enum' | 'range'>
/** Calls that change or show who is registered for what; they run between transactions. */
export type DeskCall = Exclude<Call, WriteCall | ReadCall>

export interface CallRunnerOptions {
  readonly store: string
  readonly replica: Replica
  /** @throws DustError when the op may not be written at all. */
  write(tab: string, op: LocalOp, again: boolean): void
  desk(tab: string, call: DeskCall): unknown
  /** After a transaction that held writes has committed. */
  onWritten(): void
}

/**
 * Runs calls in order. Neighbours that read or write share one transaction, which is what makes a thousand writes
 * of one tick cost one flush of the disk, and reads of one tick one lock (spec/sqlite-wasm.md, speed rules 1 and 4).
 * A call is answered only after its transaction has committed.
 */
export function createCallRunner(options: CallRunnerOptions): (jobs: readonly Job[]) => void {
  const { store, replica, write, desk, onWritten } = options

  const runGroup = (group: readonly Job[]): void => {
    const results: CallResult[] = []
    try {
      replica.transaction(() => {
        for (const { tab, call, again } of group) {
          results.push(
            call.kind === 'write'
              ? attempt(() => write(tab, call.op, again), breaksTransaction)
              : // Groups hold reads and writes only.
                attempt(() => read(replica, call as ReadCall)),
          )
        }
      })
    } catch (error) {
      const failed: CallResult = { ok: false, error: errorToData(toStorageError(error, store)) }
      for (const job of group) job.settle(failed)
      return
    }
    group.forEach((job, i) => {
      job.settle(results[i] as CallResult)
    })
    if (group.some(({ call }) => call.kind === 'write')) onWritten()
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
      if (isDeskCall(call)) {
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
      return replica.get(call.path)
    case 'getMany':
      return replica.getMany(call.paths)
    case 'entry':
      return replica.entry(call.path)
    case 'enum':
      return replica.enum(parsePattern(call.pattern), call.options)
    case 'range':
      return replica.range(call.from, call.to, call.options)
  }
}

function isDeskCall(call: Call): call is DeskCall {
  switch (call.kind) {
    case 'write':
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
