import { type DustError, errorFromData } from '@dustlayer/protocol'
import type { Call, CallKind, CallOf, CallResult, ResultOf } from '../tab/tab-protocol.js'

/** Sends a call with all others of this tick, as one message. */
export type SendCall = <K extends CallKind>(call: CallOf<K> & { readonly kind: K }) => Promise<ResultOf<K>>

export interface CallBatcher {
  readonly call: SendCall
  /** Resolves when every call made so far has been answered. */
  settled(): Promise<void>
}

interface OpenCall {
  readonly call: Call
  resolve(value: unknown): void
  reject(error: DustError): void
}

/** A call costs microseconds in company and tens of them alone (spec/sqlite-wasm.md, speed rule 2). */
export function createCallBatcher(
  send: (batch: readonly Call[]) => Promise<readonly CallResult[]>,
): CallBatcher {
  let batch: OpenCall[] = []
  const inFlight = new Set<Promise<void>>()

  const flush = (): void => {
    const sending = batch
    batch = []
    const answered = deliver(sending).finally(() => inFlight.delete(answered))
    inFlight.add(answered)
  }

  const deliver = async (sending: readonly OpenCall[]): Promise<void> => {
    let results: readonly CallResult[]
    try {
      results = await send(sending.map(({ call }) => call))
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
