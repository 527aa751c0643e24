import { type DustError, errorFromData } from '@dustlayer/protocol'
import {
  type Call,
  type CallKind,
  type CallOf,
  type CallResult,
  isLongCall,
  type ResultOf,
} from '../tab/calls.js'
import type { Expire } from './open-calls.js'

/** Sends a call with the others of this tick, as one message up to a thousand; long calls follow, each as its own. */
export type SendCall = <K extends CallKind>(call: CallOf<K> & { readonly kind: K }) => Promise<ResultOf<K>>

export interface CallBatcher {
  readonly call: SendCall
  /** Resolves when every call made so far has been answered, but for long ones. */
  settled(): Promise<void>
}

interface OpenCall {
  readonly call: Call
  resolve(value: unknown): void
  reject(error: DustError): void
}

/**
 * Of more calls there is more than one message: each is answered by itself, and what has been answered is not sent
 * again when a leader goes; to copy one takes no worker long.
 */
const MOST_CALLS = 1_000

/** A call costs microseconds in company and tens of them alone. */
export function createCallBatcher(
  send: (batch: readonly Call[], expire: Expire) => Promise<readonly CallResult[]>,
): CallBatcher {
  let batch: OpenCall[] = []
  const inFlight = new Set<Promise<void>>()

  const flush = (): void => {
    const sending = batch
    batch = []
    const together = sending.filter(({ call }) => !travelsAlone(call))
    for (let from = 0; from < together.length; from += MOST_CALLS) {
      const answered = deliver(together.slice(from, from + MOST_CALLS)).finally(() =>
        inFlight.delete(answered),
      )
      inFlight.add(answered)
    }
    for (const one of sending) if (travelsAlone(one.call)) void deliver([one])
  }

  const deliver = async (sending: readonly OpenCall[]): Promise<void> => {
    let results: readonly CallResult[]
    try {
      results = await send(
        sending.map(({ call }) => call),
        (at, error) => sending[at]?.reject(error),
      )
    } catch (error) {
      // `send` rejects with Dust errors only.
      for (const { reject } of sending) reject(error as DustError)
      return
    }
    sending.forEach(({ resolve, reject }, i) => {
      const result = results[i] as CallResult
      if (result.ok) resolve(result.value)
      else reject(errorFromData(result.error))
    })
  }

  return {
    call: (call) =>
      new Promise((resolve, reject) => {
        if (batch.length === 0) queueMicrotask(flush)
        batch.push({
          // A union's member, which TypeScript cannot tell while K is open.
          call: call as Call,
          // The leader answers each kind with its own kind of result.
          resolve: resolve as (value: unknown) => void,
          reject,
        })
      }),
    async settled() {
      // A batch of this very tick is sent in a microtask.
      await Promise.resolve()
      while (inFlight.size > 0) await Promise.all(inFlight)
    },
  }
}

/** A long call's answer must not keep others waiting, and what ends it must not overtake it. */
function travelsAlone(call: Call): boolean {
  return isLongCall(call) || call.kind === 'cancel'
}
