import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Op, parseBatch, toBatchPayload, toWritePayload } from '@dustlayer/protocol'
import { batchJob } from '../batch-job.js'
import { type OpenStore, type OpenStoreOptions, openStore } from '../open-store.js'
import type { Reply } from '../reply.js'
import type { Job, JobResult, Sequencer } from '../sequencer.js'
import type { Trace } from '../sqlite/database.js'
import { createStoreStorage, openStoreDatabase } from '../sqlite/store-file.js'
import type { StoreStorage } from '../storage.js'
import { writeJob } from '../write-job.js'
import { createFakeClock, type FakeClock } from './fake-clock.js'
import { createManualScheduler, type ManualScheduler } from './manual-scheduler.js'

export interface TestStoreOptions extends Partial<OpenStoreOptions> {
  /** An existing file; one in a directory of its own unless given. */
  readonly file?: string
  readonly clock?: FakeClock
  readonly trace?: Trace
  /** Puts something between the store and its storage. */
  readonly wrap?: (storage: StoreStorage) => StoreStorage
}

/** A store without a server, in which nothing happens until the test says so. */
export interface TestStore {
  readonly open: OpenStore
  readonly storage: StoreStorage
  readonly sequencer: Sequencer
  readonly clock: FakeClock
  readonly scheduler: ManualScheduler
  /** Runs a job and settles. */
  run<T>(job: Job<T>): JobResult<T>
  /** Writes an op and settles. */
  write(op: Op, deviceId?: string): Reply
  /** Sets so many leaves, one op each. */
  fill(count: number): void
  batch(id: string, ops: readonly Op[]): Reply
  /** Closes the store and opens it again. */
  reopen(): void
  /** Closes the store and removes its directory, if it made one. */
  end(): void
}

export function openTestStore(options: TestStoreOptions = {}): TestStore {
  const dir = options.file === undefined ? mkdtempSync(join(tmpdir(), 'dust-store-')) : undefined
  const file = options.file ?? join(dir ?? '', 't.db')
  const clock = options.clock ?? createFakeClock()
  const scheduler = createManualScheduler(clock)
  const record = {
    id: 'id',
    org: 'acme',
    name: 't',
    status: 'active',
    createdAt: 0,
    expiresAt: null,
  } as const
  const open = () => {
    const real = createStoreStorage(openStoreDatabase(file, 'normal', options.trace))
    const storage = options.wrap?.(real) ?? real
    return openStore(record, storage, { compaction: null, ...options, clock, scheduler })
  }
  let store = open()

  const run = <T>(job: Job<T>): JobResult<T> => {
    let result: JobResult<T> | undefined
    store.sequencer.submit(job, (settled) => {
      result = settled
    })
    scheduler.settle()
    if (!result) throw new Error('The job was not settled.')
    return result
  }
  const replyTo = (job: Job<Reply>): Reply => {
    const result = run(job)
    if (result.ok) return result.value
    throw result.error
  }
  let filled = 0
  return {
    get open() {
      return store
    },
    get storage() {
      return store.storage
    },
    get sequencer() {
      return store.sequencer
    },
    clock,
    scheduler,
    run,
    write: (op, deviceId = 'd') => replyTo(writeJob(op, deviceId, { maxKeys: 0 })),
    fill(count) {
      for (let i = 0; i < count; i++) {
        const path = `k/${filled++}`
        const job = writeJob({ op: 'set', path, value: filled, opId: path }, 'd', { maxKeys: 0 })
        store.sequencer.submit(job, () => {})
      }
      scheduler.settle()
    },
    batch(id, ops) {
      const parsed = parseBatch(toBatchPayload(id, ops.map(toWritePayload)))
      if (!parsed.ok) throw new Error(`No batch: ${parsed.rejection.reason}`)
      return replyTo(batchJob(parsed, 'd', { maxKeys: 0 }))
    },
    reopen() {
      store.close()
      store = open()
    },
    end() {
      store.close()
      if (dir) rmSync(dir, { recursive: true, force: true })
    },
  }
}
