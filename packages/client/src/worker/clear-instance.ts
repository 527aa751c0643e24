import type { InstanceNames } from '../tab/instance-names.js'
import type { HeldLock } from '../tab/locks.js'
import type { Announcement } from '../tab/tab-protocol.js'
import type { TabEnvironment } from './tab.js'

/** How long tabs may take to close before their lock is taken from them. */
const PATIENCE_MS = 3_000
const INSIST_MS = 500

/**
 * Ends all tabs of the instance and removes its data. A tab that opens meanwhile waits, and starts with nothing.
 * @throws UnavailableError when something could not be removed.
 */
export async function clearInstance(options: {
  readonly env: TabEnvironment
  readonly names: InstanceNames
  /** The instance's lock, if this tab led. Others would begin to lead when it is released, and be ended in the midst of it. */
  readonly held: HeldLock | undefined
}): Promise<void> {
  const { env, names } = options
  const { locks, clock, build } = env
  const announcements = env.openChannel(names.announcements, () => undefined)
  let kind: 'destroy' | 'destroying' = 'destroy'
  // Again and again, for tabs that open while others close, and for whom a silent holder of the lock is a dead one.
  const insist = (): void => {
    announcements.post({ ...build, kind } satisfies Announcement)
    cancelInsisting = clock.setTimer(INSIST_MS, insist)
  }
  let cancelInsisting = (): void => undefined
  const patience = new AbortController()
  const cancelPatience = clock.setTimer(PATIENCE_MS, () => patience.abort())
  insist()
  const acquire = () => locks.acquire(names.lock, patience.signal).catch(() => locks.steal(names.lock))
  const held = options.held ?? (await acquire())
  cancelPatience()
  kind = 'destroying'
  try {
    await env.wipe()
  } finally {
    cancelInsisting()
    announcements.close()
    held.release()
  }
}
