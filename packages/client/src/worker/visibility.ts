import type { Clock } from '@dustlayer/sync'
import type { Locks } from '../tab/locks.js'

/**
 * Moves the lead from a page that nobody has seen for long to one that somebody sees: browsers freeze, slow down and
 * discard hidden pages first, some of them without a word (docs/decisions/0147).
 */
export interface Visibility {
  /** What the page says of itself. */
  set(hidden: boolean): void
  stop(): void
}

export interface VisibilityOptions {
  readonly locks: Locks
  /** Each visible tab holds a lock of this prefix. */
  readonly prefix: string
  readonly tab: string
  readonly clock: Clock
  leads(): boolean
  /** Stops leading, and queues behind the others. */
  makeWay(): void
}

/** For less, somebody has just looked at another tab. */
const LONG_HIDDEN_MS = 60_000

export function createVisibility(options: VisibilityOptions): Visibility {
  const { locks, prefix, tab, clock, leads, makeWay } = options
  let seen: AbortController | undefined
  let cancelLook: (() => void) | undefined

  /** Held until the page is hidden; who has died holds none. */
  const show = (): void => {
    if (seen) return
    const own = new AbortController()
    seen = own
    locks.acquire(prefix + tab, own.signal).then(
      ({ release }) => {
        if (own.signal.aborted) release()
        else own.signal.addEventListener('abort', release)
      },
      // Hidden before it was granted.
      () => undefined,
    )
  }

  const hide = (): void => {
    seen?.abort()
    seen = undefined
  }

  const look = async (): Promise<void> => {
    cancelLook = undefined
    const visible = leads() ? await locks.held(prefix) : undefined
    if (stopped || seen || cancelLook) return
    // Once for each time that it is hidden: if those that are seen cannot lead, it would go round and round.
    if (visible && visible.length > 0 && leads()) makeWay()
    else lookLater()
  }

  const lookLater = (): void => {
    cancelLook ??= clock.setTimer(LONG_HIDDEN_MS, () => void look())
  }

  const stopLooking = (): void => {
    cancelLook?.()
    cancelLook = undefined
  }

  let stopped = false
  let hidden: boolean | undefined

  return {
    set(now) {
      if (now === hidden || stopped) return
      hidden = now
      if (now) {
        hide()
        lookLater()
      } else {
        stopLooking()
        show()
      }
    },
    stop() {
      stopped = true
      stopLooking()
      hide()
    },
  }
}
