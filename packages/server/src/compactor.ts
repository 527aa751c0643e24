import type { Clock } from './clock.js'
import type { CompactionPolicy } from './compaction-policy.js'
import type { Scheduler } from './scheduler.js'
import type { StoreStorage } from './storage.js'

/** Moves the old end of a store's log into its snapshot, by itself, a slice at a time (docs/decisions/0066). */
export interface Compactor {
  /** Ops were committed. */
  committed(): void
  stop(): void
}

export interface CompactorOptions {
  readonly storage: StoreStorage
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly policy: CompactionPolicy
  /** The newest committed store_seq. */
  readonly head: () => number
  /** The seq after which somebody still needs the ops, given that the log begins after `start`. */
  readonly neededAfter: (start: number) => number
  /** Stores what devices acknowledged; called now and then. */
  readonly saveCursors: () => void
  readonly failed: (error: unknown) => void
}

/** How long the event loop stands still for compaction at once. */
const SLICE = { count: 500, bytes: 4_000_000 }

export const COMPACTION_CHECK_MS = 60_000

export function createCompactor(options: CompactorOptions): Compactor {
  const { storage, clock, scheduler, policy, head, neededAfter, saveCursors, failed } = options
  /** A tenth at once, so that the snapshot, which clients may be in the middle of, does not move all the time. */
  const step = Math.max(1, Math.ceil(policy.minOps / 10))
  let start = startOfLog(storage)
  let running = false
  /** After a failure, until the alarm. */
  let resting = false
  let stopped = false
  /** Fold up to this seq because the ops are old, as far as nobody needs them. */
  let aged = 0
  /** Fold up to this seq because the log is too long, whoever needs them. */
  let forced = 0
  let headBefore = 0

  const tooLong = () => head() - start > policy.maxOps
  const goal = () => Math.max(forced, Math.min(aged, neededAfter(start)))

  const run = () => {
    if (tooLong()) forced = head() - policy.maxOps + Math.ceil(policy.maxOps / 10)
    if (running || stopped || goal() <= start) return
    running = true
    headBefore = head()
    scheduler.defer(turn)
  }

  const turn = () => {
    running = false
    if (stopped) return
    try {
      // At least as much as was appended meanwhile, or a busy log would outrun its compaction.
      const due = Math.max(1, head() - headBefore)
      const before = start
      do slice()
      while (start - before < due && goal() > start)
    } catch (error) {
      aged = 0
      forced = 0
      resting = true
      failed(error)
      return
    }
    run()
  }

  const slice = () => {
    start = startOfLog(storage)
    if (goal() <= start) return
    start = storage.history.fold(goal(), SLICE, clock.now())?.seq ?? head()
  }

  const check = () => {
    resting = false
    start = startOfLog(storage)
    const candidate = Math.min(head() - policy.minOps, neededAfter(start))
    aged = candidate - start < step ? 0 : lastBefore(storage, start, candidate, clock.now() - policy.keepMs)
    if (aged - start < step) aged = 0
    run()
  }

  let cancel = () => {}
  const alarm = () => {
    try {
      saveCursors()
      check()
    } catch (error) {
      failed(error)
    }
    cancel = scheduler.after(COMPACTION_CHECK_MS, alarm)
  }
  cancel = scheduler.after(COMPACTION_CHECK_MS, alarm)

  return {
    committed() {
      if (!running && !resting && tooLong()) run()
    },
    stop() {
      stopped = true
      cancel()
    },
  }
}

/** The log has the ops after this seq. */
function startOfLog({ history }: StoreStorage): number {
  return history.snapshot()?.seq ?? 0
}

/** The last op after `start` and up to `end` that was accepted before `time`; `start` when there is none. */
function lastBefore({ log }: StoreStorage, start: number, end: number, time: number): number {
  let [low, high] = [start, end]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((log.insertedAt(middle) ?? 0) <= time) low = middle
    else high = middle - 1
  }
  return low
}
