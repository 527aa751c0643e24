import { StorageError } from '@dustlayer/protocol'
import { type Clock, steadyNow } from '@dustlayer/sync'

export interface WaitingOptions {
  readonly clock: Clock
  /** In [0, 1). */
  random(): number
  readonly signal: AbortSignal
  /** It takes longer than a dying page usually needs. Called once. */
  onWaiting(error: StorageError): void
}

const FIRST_RETRY_MS = 20
/** A worker that has ended lets go of its files some time after its locks, and calls wait for that moment. */
const EAGER_TRIES = 16
const LONGEST_RETRY_MS = 1_000
/** A page that was closed lets go within about 50 ms. */
const TOLD_AFTER_MS = 1_000
/** Browsers that say it in other words than that a file is in use may mean something else. */
const DOUBTFUL_FOR_MS = 10_000

/**
 * Opens what another page may still hold, for as long as that takes: it dies, or is thrown out of the back/forward
 * cache. A lower rung would be another database, without what was written to this one.
 * @throws the signal's reason when it aborts, and any error that does not say that it is in use.
 */
export async function untilFree<T>(
  open: () => Promise<T>,
  { clock, random, signal, onWaiting }: WaitingOptions,
): Promise<T> {
  const begun = steadyNow(clock)
  let told = false
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted()
    try {
      return await open()
    } catch (error) {
      const waited = steadyNow(clock) - begun
      if (!isBusy(error, waited)) throw error
      if (!told && waited >= TOLD_AFTER_MS) {
        told = true
        onWaiting(busy(error))
      }
    }
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, attempt - EAGER_TRIES))
    await pause(clock, wait * (0.5 + random()), signal)
  }
}

function isBusy(error: unknown, waited: number): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'NoModificationAllowedError') return true
  return error.name === 'InvalidStateError' && waited < DOUBTFUL_FOR_MS
}

function busy(cause: unknown): StorageError {
  return new StorageError(
    'storage_busy',
    'Another page of this site still has the local database open. Calls wait until it lets go; closing the other tabs of this site helps.',
    { cause },
  )
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clear()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const clear = clock.setTimer(ms, end)
    signal.addEventListener('abort', end)
  })
}
