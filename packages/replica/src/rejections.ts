import { type ErrorData, type Fence, type JsonValue, parseJson, stringifyJson } from '@dustlayer/protocol'
import type { SqliteDriver, SqlValue } from './driver.js'
import type { LocalOp } from './local-op.js'
import { OP_COLUMN_COUNT, OP_COLUMNS, opFromRow, opParams } from './op-columns.js'
import type { PendingOp } from './outbox.js'

/** A write that the server refused; its effect has been undone. It stays here until the app retries or drops it. */
export interface RejectedWrite {
  readonly opId: string
  readonly op: LocalOp['op']
  readonly path: string
  readonly value: JsonValue
  readonly ifMatch?: number
  readonly ifAbsent?: true
  readonly fence?: Fence
  /** The batch it was issued in. */
  readonly batchId?: string
  /** Local wall clock, epoch milliseconds. */
  readonly issuedAt: number
  readonly rejectedAt: number
  readonly error: ErrorData
}

/** Who never looks at refused writes must not fill the disk with them. */
const KEPT = 1_000

/** The newest refused writes, in the order of their refusal. Durable. */
export interface Rejections {
  readonly count: number
  list(): RejectedWrite[]
  has(opId: string): boolean
  add(pending: PendingOp, error: ErrorData, rejectedAt: number): void
  /** False when it is not there. */
  remove(opId: string): boolean
  reload(): void
}

const READ = `select batch_id, issued_at, rejected_at, error, ${OP_COLUMNS} from rejections order by position`
const INSERT =
  `insert into rejections (batch_id, issued_at, rejected_at, error, ${OP_COLUMNS}) values (?, ?, ?, ?` +
  `${', ?'.repeat(OP_COLUMN_COUNT)})`
const DROP_OLDEST = 'delete from rejections where position = (select min(position) from rejections)'

export function createRejections(driver: SqliteDriver): Rejections {
  const counted = () => Number(driver.all('select count(*) from rejections')[0]?.[0])
  let count = counted()

  const has = (opId: string) => driver.all('select 1 from rejections where op_id = ?', [opId]).length > 0

  return {
    get count() {
      return count
    },
    list: () => driver.all(READ).map(fromRow),
    has,
    add({ op, batch, issuedAt }, error, rejectedAt) {
      const text = stringifyJson({ ...error })
      driver.run(INSERT, [batch?.id ?? null, issuedAt, rejectedAt, text, ...opParams(op)])
      if (count < KEPT) count += 1
      else driver.run(DROP_OLDEST)
    },
    remove(opId) {
      if (!has(opId)) return false
      driver.run('delete from rejections where op_id = ?', [opId])
      count -= 1
      return true
    },
    reload() {
      count = counted()
    },
  }
}

/** The columns were written by `add`, so their types are known. */
function fromRow([batchId, issuedAt, rejectedAt, error, ...columns]: SqlValue[]): RejectedWrite {
  return {
    ...opFromRow(columns),
    ...(batchId !== null && { batchId: batchId as string }),
    issuedAt: issuedAt as number,
    rejectedAt: rejectedAt as number,
    error: parseJson(error as string) as unknown as ErrorData,
  }
}
