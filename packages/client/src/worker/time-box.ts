import type { Clock } from '@dustlayer/sync'

/** Says whether so many milliseconds have passed since. */
export function timeBox(clock: Clock, ms: number): () => boolean {
  const now = (): number => clock.monotonic?.() ?? clock.now()
  const end = now() + ms
  return () => now() >= end
}
