import type { StoreRecord } from './catalog.js'
import type { Clock } from './clock.js'
import { type CompactionPolicy, compactionPolicy } from './compaction-policy.js'
import { createCompactor } from './compactor.js'
import { createDeviceCursors, type DeviceCursors } from './device-cursors.js'
import { type Broadcast, createBroadcast } from './event-frame.js'
import { describeError, type Logger, silentLogger } from './log.js'
import { type Scheduler, systemScheduler } from './scheduler.js'
import { createSequencer, type Sequencer } from './sequencer.js'
import type { StoreStorage } from './storage.js'

/** Who gets the ops of a store. */
export interface Follower {
  /** Each commit in order, right after it is durable. Must not throw. */
  deliver(commit: Broadcast): void
  /** The seq after which it has yet to get the ops. */
  cursor(): number
}

/** A store that is open: its contents, its writer, and who follows it. */
export interface OpenStore {
  /** As last read from the catalog. */
  record: StoreRecord
  readonly storage: StoreStorage
  readonly sequencer: Sequencer
  /** Until the returned function is called. */
  follow(follower: Follower): () => void
  /** Whether there are followers. */
  readonly followed: boolean
  /** A device says that it has everything up to a seq, durably. */
  acknowledge(deviceId: string, seq: number): void
  /** Commits what is queued and closes the storage. */
  close(): void
}

export interface OpenStoreOptions {
  readonly clock: Clock
  /** The system's unless given. */
  readonly scheduler?: Scheduler | undefined
  /** Null keeps the whole log; the default policy unless given. */
  readonly compaction?: CompactionPolicy | null | undefined
  readonly logger?: Logger | undefined
}

export function openStore(record: StoreRecord, storage: StoreStorage, options: OpenStoreOptions): OpenStore {
  const {
    clock,
    scheduler = systemScheduler,
    compaction = compactionPolicy(),
    logger = silentLogger,
  } = options
  const followers = new Set<Follower>()
  const devices = createDeviceCursors(storage.devices)
  const sequencer = createSequencer({
    storage,
    clock,
    scheduler,
    committed(ops) {
      const commit = createBroadcast(ops)
      for (const follower of followers) follower.deliver(commit)
      compactor?.committed()
    },
  })
  const failed = (error: unknown) => {
    logger.error('a log could not be compacted; it is tried again in a minute', {
      store: `${record.org}/${record.name}`,
      error: describeError(error),
    })
  }
  const compactor =
    compaction &&
    createCompactor({
      storage,
      clock,
      scheduler,
      policy: compaction,
      head: sequencer.head,
      neededAfter: (start) => lowestCursor(followers, devices, start, clock),
      saveCursors: devices.save,
      failed,
    })
  return {
    record,
    storage,
    sequencer,
    follow(follower) {
      followers.add(follower)
      return () => followers.delete(follower)
    },
    get followed() {
      return followers.size > 0
    },
    acknowledge: (deviceId, seq) =>
      devices.acknowledge(deviceId, Math.min(seq, sequencer.head()), clock.now()),
    close() {
      compactor?.stop()
      sequencer.close()
      try {
        devices.save()
      } catch (error) {
        failed(error)
      }
      storage.close()
    },
  }
}

/** A device that is behind the log gets a snapshot anyway, so that it holds nothing back. */
function lowestCursor(
  followers: Iterable<Follower>,
  devices: DeviceCursors,
  start: number,
  clock: Clock,
): number {
  let lowest = devices.lowest(start, clock.now())
  for (const follower of followers) lowest = Math.min(lowest, follower.cursor())
  return lowest
}

/** Whether the store takes writes and can be joined by name. */
export function isActive(record: StoreRecord, now: number): boolean {
  return record.status === 'active' && (record.expiresAt === null || record.expiresAt > now)
}
