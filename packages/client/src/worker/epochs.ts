import type { Clock } from '@dustlayer/sync'
import { get, update } from 'idb-keyval'
import { smallStore } from '../small-store.js'
import { withDeadline } from '../storage/deadline.js'

/**
 * The number of the last leader of an instance, kept where it outlives all tabs. Leaders count on from it, so that a
 * leader that was deposed in its sleep has a lower number than whoever came after it, also when the clock was set back.
 */
export interface Epochs {
  /** 0 when it is not known. */
  readonly last: Promise<number>
  /** Keeps the number unless a higher one is kept. */
  save(epoch: number): Promise<void>
}

/** IndexedDB has been seen to hang for ever, and in some private windows there is none; tabs then go by their clock. */
const DEADLINE_MS = 1_000

export function createEpochs(instance: string, clock: Clock): Epochs {
  const key = `dust:${instance}:epoch`
  const reading = get<unknown>(key, smallStore)
  const read = withDeadline(reading, DEADLINE_MS, clock, 'reading the number of the last leader')
  return {
    last: read.then(asEpoch, () => 0),
    async save(epoch) {
      const saving = update<unknown>(key, (before) => Math.max(asEpoch(before), epoch), smallStore)
      await withDeadline(saving, DEADLINE_MS, clock, 'keeping the number of the leader').catch(
        () => undefined,
      )
    },
  }
}

function asEpoch(stored: unknown): number {
  return typeof stored === 'number' && Number.isSafeInteger(stored) ? stored : 0
}
