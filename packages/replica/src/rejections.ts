import { type ErrorData, type Fence, type JsonValue, parseJson, stringifyJson } from '@dustlayer/protocol'
import { asPosition, asText, asTime, fromRows } from './damage.js'
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

export const REJECTION_COLUMNS = `position, batch_id, issued_at, rejected_at, error, ${OP_COLUMNS}`
const READ = `select ${REJECTION_COLUMNS} from rejections order by position`
const INSERT =
  `insert into rejections (${REJECTION_COLUMNS}) values (?, ?, ?, ?, ?` + `${', ?'.repeat(OP_COLUMN_COUNT)})`
const DROP = 'delete from rejections where position = ?'

/** `note` hears of each row that is changed, and whether it is still there. */
export function createRejections(
  driver: SqliteDriver,
  note: (position: number, there: boolean) => void,
): Rejections {
  const counted = () => Number(driver.all('select count(*) from rejections')[0]?.[0])
  let count = counted()

  const place = (opId: string) =>
    driver.all('select position from rejections where op_id = ?', [opId])[0]?.[0] as number | undefined

  const end = (which: 'min' | 'max') =>
    Number(driver.all(`select ${which}(position) from rejections`)[0]?.[0] ?? 0)

  const drop = (position: number): void => {
    driver.run(DROP, [position])
    note(position, false)
  }

  return {
    get count() {
      return count
    },
    list() {
      const rows = driver.all(READ)
      return fromRows(driver, 'rejections', () => rows.map(rejectionFromRow))
    },
    has: (opId) => place(opId) !== undefined,
    add({ op, batch, issuedAt }, error, rejectedAt) {
      const text = stringifyJson({ ...error })
      const position = end('max') + 1
      driver.run(INSERT, [position, batch?.id ?? null, issuedAt, rejectedAt, text, ...opParams(op)])
      note(position, true)
      if (count < KEPT) count += 1
      else drop(end('min'))
    },
    remove(opId) {
      const position = place(opId)
      if (position === undefined) return false
      drop(position)
      count -= 1
      return true
    },
    reload() {
      count = counted()
    },
  }
}

/**
 * The refused write of {@link REJECTION_COLUMNS}.
 * @throws Error when the row cannot have been written by `add`.
 */
export function rejectionFromRow(row: readonly SqlValue[]): RejectedWrite {
  const [position, batchId, issuedAt, rejectedAt, error, ...columns] = row
  asPosition(position)
  return {
    ...opFromRow(columns),
    ...(batchId !== null && { batchId: asText(batchId) }),
    issuedAt: asTime(issuedAt),
    rejectedAt: asTime(rejectedAt),
    error: errorFrom(asText(error)),
  }
}

/** An error as `add` writes it. @throws Error for anything else. */
export function errorFrom(text: string): ErrorData {
  const error = parseJson(text)
  const isError = typeof error === 'object' && error !== null && !Array.isArray(error)
  if (!isError || typeof error.code !== 'string') throw new TypeError('no error')
  return error as unknown as ErrorData
}
