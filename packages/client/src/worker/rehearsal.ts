import { openReplica, type Replica, type SqliteDriver } from '@dustlayer/replica'
import type { Clock } from '@dustlayer/sync'
import { judge } from '../storage/soundness.js'

export interface RehearsalOptions {
  /** A database in memory. */
  openDriver(): Promise<SqliteDriver>
  readonly clock: Clock
}

/**
 * Does once, on a database in memory, what a new leader does first. Browsers compile each function of a WebAssembly
 * module when it is first called; done in the hand-over itself, that takes longer than all the rest of it
 * (docs/decisions/0146).
 */
export function createRehearsal({ openDriver, clock }: RehearsalOptions): () => Promise<void> {
  let rehearsed: Promise<void> | undefined

  /** Between two scenes the tab's own messages have their turn. */
  const turn = (): Promise<void> => new Promise((resolve) => void clock.setTimer(0, resolve))

  const rehearse = async (): Promise<void> => {
    const driver = await openDriver()
    try {
      const replica = openReplica({ driver, store: 'local/rehearsal', deviceId: 'rehearsal', now: clock.now })
      for (const scene of SCENES) {
        await turn()
        scene(replica, driver)
      }
    } finally {
      driver.close()
    }
  }

  return () => {
    // A tab that could not rehearse leads all the same, only later.
    rehearsed ??= rehearse().catch(() => undefined)
    return rehearsed
  }
}

const PATHS = ['a', 'b', 'c']

const SCENES: readonly ((replica: Replica, driver: SqliteDriver) => void)[] = [
  (replica) =>
    replica.transaction(() => {
      for (const path of PATHS) replica.write({ op: 'set', path, value: { n: 1 }, opId: `op_${path}` })
    }),
  (replica) =>
    replica.sync.applyEvents(
      PATHS.map((path, i) => ({
        store_seq: i + 1,
        op: 'set',
        path,
        path_segments: [path],
        value: { n: 1 },
        device_id: 'rehearsal',
        client_op_id: `op_${path}`,
      })),
      { catchUp: true },
    ),
  (replica) => replica.transaction(() => PATHS.map((path) => [replica.get(path), replica.entry(path)])),
  (replica) => {
    replica.write({ op: 'increment', path: 'a/n', value: 1, opId: 'op_n' })
    replica.verdict('op_a')
    replica.sync.outbox(0, PATHS.length)
    replica.rejections()
  },
  (_, driver) => judge(driver, true),
]
