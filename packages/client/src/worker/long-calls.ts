import { errorToData } from '@dustlayer/protocol'
import { toStorageError } from '../storage/storage-error.js'
import type { CallOf, LongCallKind } from '../tab/calls.js'
import type { Job } from './run-calls.js'

export type LongJob = Job & { readonly call: CallOf<LongCallKind> }

/** Calls of one store that wait for something outside the leader. */
export interface LongCalls {
  /** Runs a call and answers it when it ends. */
  start(job: LongJob, run: (signal: AbortSignal) => Promise<unknown>): void
  /** The caller waits no longer: the call ends with an error. */
  cancel(tab: string, id: string): void
  /** Ends the calls of a tab that is gone, without an answer: should it come back, it sends them again. */
  dropTab(tab: string): void
  /** Ends all calls without an answer, so that the next leader gets them. */
  close(): void
}

interface Running {
  readonly tab: string
  readonly id: string
  readonly end: AbortController
  answered: boolean
}

export function createLongCalls(store: string): LongCalls {
  const running = new Set<Running>()

  const drop = (one: Running): void => {
    one.answered = true
    one.end.abort()
    running.delete(one)
  }

  return {
    start(job, run) {
      const one: Running = {
        tab: job.tab,
        id: job.call.id,
        end: new AbortController(),
        answered: false,
      }
      running.add(one)
      const settle = (result: Parameters<Job['settle']>[0]): void => {
        running.delete(one)
        if (one.answered) return
        one.answered = true
        job.settle(result)
      }
      run(one.end.signal).then(
        (value) => settle({ ok: true, value }),
        (error: unknown) => settle({ ok: false, error: errorToData(toStorageError(error, store)) }),
      )
    },
    cancel(tab, id) {
      for (const one of running) if (one.tab === tab && one.id === id) one.end.abort()
    },
    dropTab(tab) {
      for (const one of [...running]) if (one.tab === tab) drop(one)
    },
    close() {
      for (const one of [...running]) drop(one)
    },
  }
}
