import type { OpName } from '@dustlayer/protocol'
import type { Database } from 'better-sqlite3'
import type { LoggedOp, OpLog } from '../storage.js'

type Row = [
  seq: number,
  op: OpName,
  path: string,
  value: string,
  deviceId: string,
  clientOpId: string,
  insertedAt: number,
]

const toOp = ([seq, op, path, valueJson, deviceId, clientOpId, insertedAt]: Row): LoggedOp => {
  return { seq, op, path, valueJson, deviceId, clientOpId, insertedAt }
}

const COLUMNS = 'seq, op, path, value, device_id, client_op_id, inserted_at'

export function createOpLog(db: Database): OpLog {
  const newest = db
    .prepare<[], number>(
      'SELECT max(coalesce((SELECT max(seq) FROM ops), 0), coalesce((SELECT max(seq) FROM snapshots), 0))',
    )
    .pluck()
  const oldest = db.prepare<[], number | null>('SELECT min(seq) FROM ops').pluck()
  const time = db.prepare<[number], number>('SELECT inserted_at FROM ops WHERE seq = ?').pluck()
  const insert = db.prepare(`INSERT INTO ops (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`)
  const following = db.prepare<[number, number], Row>(
    `SELECT ${COLUMNS} FROM ops WHERE seq > ? ORDER BY seq LIMIT ?`,
  )
  const last = db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM ops ORDER BY seq DESC LIMIT ?`)
  following.raw()
  last.raw()

  return {
    head: () => newest.get() ?? 0,
    first: () => oldest.get() ?? null,
    insertedAt: (seq) => time.get(seq),
    append(op) {
      insert.run(op.seq, op.op, op.path, op.valueJson, op.deviceId, op.clientOpId, op.insertedAt)
    },
    after(seq, limit, maxBytes) {
      const ops: LoggedOp[] = []
      let bytes = 0
      for (const row of following.iterate(seq, limit)) {
        const op = toOp(row)
        ops.push(op)
        bytes += op.valueJson.length
        if (bytes >= maxBytes) break
      }
      return ops
    },
    latest: (limit) => last.all(limit).map(toOp),
  }
}
