import { type JsonValue, parsePath, type StoreEventPayload } from '@dustlayer/protocol'
import type { SqliteDriver } from '../driver.js'
import type { DustEvent, Verdict } from '../events.js'
import { openReplica, type Replica, type ReplicaOptions } from '../replica.js'
import { openBetterSqlite } from './better-sqlite.js'

/** An open replica, what it has told, and a way to give it the server's next event. */
export interface OpenForTest {
  readonly driver: SqliteDriver
  readonly replica: Replica
  readonly events: DustEvent[]
  readonly verdicts: [opId: string, verdict: Verdict][]
  /** Applies the next event of the log; gives its seq. */
  event(op: StoreEventPayload['op'], path: string, value: JsonValue, opId?: string, device?: string): number
  /** The event of an own op. */
  echo(op: StoreEventPayload['op'], path: string, value: JsonValue, opId: string): number
}

export const TEST_DEVICE = 'me'

/** The wall clock of replicas in tests. */
export const TEST_TIME = 1_700_000_000_000

export function eventPayload(
  seq: number,
  op: StoreEventPayload['op'],
  path: string,
  value: JsonValue,
  opId = `theirs-${seq}`,
  device = 'other',
): StoreEventPayload {
  return {
    store_seq: seq,
    op,
    path,
    path_segments: [...parsePath(path)],
    value,
    device_id: device,
    client_op_id: opId,
  }
}

export function openForTest(
  driver: SqliteDriver = openBetterSqlite(),
  options: Partial<ReplicaOptions> = {},
): OpenForTest {
  const replica = openReplica({
    driver,
    store: 'o/s',
    deviceId: TEST_DEVICE,
    now: () => TEST_TIME,
    ...options,
  })
  const events: DustEvent[] = []
  const verdicts: [string, Verdict][] = []
  replica.onEvents((batch) => events.push(...batch))
  replica.onVerdict((opId, verdict) => verdicts.push([opId, verdict]))
  const event: OpenForTest['event'] = (op, path, value, opId = 'theirs', device = 'other') => {
    const seq = replica.sync.cursor() + 1
    replica.sync.applyEvents([eventPayload(seq, op, path, value, opId, device)], { catchUp: false })
    return seq
  }
  return {
    driver,
    replica,
    events,
    verdicts,
    event,
    echo: (op, path, value, opId) => event(op, path, value, opId, TEST_DEVICE),
  }
}
