import { type Clock, steadyNow } from '@dustlayer/sync'
import { BEAT_MS } from '../tab/vigil.js'

/** The leader's sign of life, and its own doubt when it has missed some of them: others may have taken over. */
export interface Pulse {
  /** Undefined while the leader can be sure; else resolves when it has been asked whether it still leads. */
  doubt(): Promise<void> | undefined
  stop(): void
}

export interface PulseOptions {
  readonly clock: Clock
  beat(): void
  /** Resolves when news of a lost lock would have arrived. */
  ask(): Promise<unknown>
}

/** Less than what a follower waits before it deposes a leader. */
const SURE_MS = 2_000

export function createPulse({ clock, beat, ask }: PulseOptions): Pulse {
  let last = steadyNow(clock)
  let asking: Promise<void> | undefined

  const due = (): void => {
    cancel = clock.setTimer(BEAT_MS, due)
    if (steadyNow(clock) - last <= SURE_MS) last = steadyNow(clock)
    else void doubt()
    beat()
  }
  let cancel = clock.setTimer(BEAT_MS, due)

  const doubt = (): Promise<void> | undefined => {
    if (steadyNow(clock) - last <= SURE_MS) return undefined
    const answered = (): void => {
      last = steadyNow(clock)
      asking = undefined
    }
    // If it cannot be asked, the database's own exclusive handles are what keeps two leaders apart.
    asking ??= ask().then(answered, answered)
    return asking
  }

  return { doubt, stop: () => cancel() }
}
