import type { SyncPort } from '@dustlayer/replica'
import type { Busy } from './busy.js'

/** What sync does with everything that a store has cannot be interrupted. */
export function announcedPort(port: SyncPort, busy: Busy): SyncPort {
  return {
    ...port,
    applySnapshot: (seq, entries) => busy.during(() => port.applySnapshot(seq, entries)),
    stageFinish: (seq, options) => busy.during(() => port.stageFinish(seq, options)),
    digest: () => busy.during(port.digest),
  }
}
