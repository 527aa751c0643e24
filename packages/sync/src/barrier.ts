import { ClosedError } from '@dustlayer/protocol'
import type { SyncPort } from '@dustlayer/replica'
import type { AbortSignalLike } from './abort-signal.js'
import { createBackoff } from './backoff.js'
import { type Clock, createAlarm } from './clock.js'
import type { Requests } from './requests.js'

export interface Barrier {
  /**
   * Resolves when every op that is pending now has the server's answer and is confirmed here, and everything that
   * the server has is here. Waits through outages.
   */
  synced(options?: { readonly signal?: AbortSignalLike }): Promise<void>
  /** Something has moved: asks the server where that is possible now, and lets go who has waited long enough. */
  check(): void
  /** The join is over: what the server told in it about the end of its log may not hold any more. */
  lost(): void
  /** Ends all waiting. */
  close(): void
}

export interface BarrierOptions {
  readonly store: string
  readonly port: SyncPort
  readonly clock: Clock
  readonly requests: Requests
  random(): number
  /** Whether the server can be asked, and what is confirmed is up to date as far as it has come. */
  live(): boolean
  /** Everything up to here is in the confirmed state. */
  cursor(): number
  /** The server's log reaches this far. */
  expect(seq: number): void
}

interface Waiter {
  /** The last pending op at the call. */
  readonly position: number
  /** The end of the server's log, as it told after the call. */
  head: number | null
  resolve(): void
  reject(reason: unknown): void
}

export function createBarrier(options: BarrierOptions): Barrier {
  const { store, port, clock, requests } = options
  const waiters = new Set<Waiter>()
  const again = createAlarm(clock)
  const waits = createBackoff({ baseMs: 500, capMs: 30_000, jitter: 'half', random: options.random })
  let asking = false

  /** One question serves all who have come before it was put. */
  const ask = (): void => {
    const served = [...waiters].filter(({ head }) => head === null)
    if (asking || again.active || served.length === 0 || !options.live()) return
    asking = true
    requests.send('status', {}, ({ reply, error }) => {
      asking = false
      if (error) {
        // Also where the server is silent: what it is asked is a question only.
        again.set(waits.next(), check)
        return
      }
      waits.reset()
      // A server that tells no status: the catch-up that this join began with has to do.
      const told = reply.response.current_seq
      const head = reply.status === 'ok' && Number.isSafeInteger(told) ? Number(told) : options.cursor()
      for (const waiter of served) waiter.head = head
      options.expect(head)
      check()
    })
  }

  const release = (): void => {
    const cursor = options.cursor()
    const ready = [...waiters].filter(({ head }) => head !== null && head <= cursor)
    const oldest = ready.length > 0 ? port.outbox(0, 1)[0] : undefined
    for (const waiter of ready) {
      if (oldest && oldest.position <= waiter.position) continue
      waiters.delete(waiter)
      waiter.resolve()
    }
  }

  const check = (): void => {
    if (waiters.size === 0) return
    ask()
    if (options.live()) release()
  }

  const closed = (): ClosedError => new ClosedError(`${store} is not synced any more.`)

  return {
    synced({ signal } = {}) {
      return new Promise<void>((resolve, reject) => {
        if (signal?.aborted) throw signal.reason
        const stop = (): void => signal?.removeEventListener('abort', aborted)
        const waiter: Waiter = {
          position: port.outboxEnd(),
          head: null,
          resolve() {
            stop()
            resolve()
          },
          reject(reason) {
            stop()
            reject(reason)
          },
        }
        const aborted = (): void => {
          waiters.delete(waiter)
          waiter.reject(signal?.reason)
        }
        signal?.addEventListener('abort', aborted)
        waiters.add(waiter)
        check()
      })
    },
    check,
    lost() {
      for (const waiter of waiters) waiter.head = null
    },
    close() {
      again.clear()
      for (const waiter of [...waiters]) {
        waiters.delete(waiter)
        waiter.reject(closed())
      }
    },
  }
}
