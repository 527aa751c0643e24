import type { CallOf, LongCallKind, ResultOf } from '../tab/calls.js'
import type { SendCall } from './call-batch.js'

/** Makes a long call, and gives up on it when the signal aborts: the promise then rejects with the signal's reason. */
export function callLong<K extends LongCallKind>(
  call: SendCall,
  long: CallOf<K> & { readonly kind: K },
  signal?: AbortSignal,
): Promise<ResultOf<K>> {
  if (!signal) return call(long)
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(signal.reason)
      // The leader need not go on for nobody; if it cannot be told, it is gone.
      call({ kind: 'cancel', store: long.store, id: long.id }).catch(() => undefined)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    call(long)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', giveUp))
  })
}
