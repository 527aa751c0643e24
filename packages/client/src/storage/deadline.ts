import { UnavailableError } from '@dustlayer/protocol'
import type { Clock } from '@dustlayer/sync'

/**
 * The promise's outcome, if it comes in time.
 * @throws UnavailableError after `ms`.
 */
export function withDeadline<T>(promise: Promise<T>, ms: number, clock: Clock, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const clear = clock.setTimer(ms, () => {
      reject(new UnavailableError(`No answer after ${ms} ms while ${what}.`))
    })
    promise.then(resolve, reject).finally(clear)
  })
}
