import { parseJson, stringifyJson } from '@dustlayer/protocol'
import type { Database } from 'better-sqlite3'
import type { Receipts } from '../storage.js'

/** How many receipts a store keeps at least (docs/decisions/0021). */
export const RECEIPTS_KEPT = 100_000

// Forgetting goes in steps, so that not every op pays for a delete.
const FORGET_STEP = 1_000

/** The newest `kept` receipts (and up to a thousand more) in the order in which they were written. */
export function createReceipts(db: Database, kept: number): Receipts {
  const find = db
    .prepare<[string, string, string], string>(
      'SELECT reply FROM receipts WHERE device_id = ? AND client_op_id = ? AND fingerprint = ?',
    )
    .pluck()
  const insert = db.prepare(
    'INSERT OR IGNORE INTO receipts (device_id, client_op_id, fingerprint, reply) VALUES (?, ?, ?, ?)',
  )
  const forget = db.prepare<[number]>('DELETE FROM receipts WHERE position <= ?')

  return {
    find({ deviceId, clientOpId, fingerprint }) {
      const reply = find.get(deviceId, clientOpId, fingerprint)
      return reply === undefined ? undefined : parseJson(reply)
    },
    add({ deviceId, clientOpId, fingerprint }, reply) {
      const { lastInsertRowid } = insert.run(deviceId, clientOpId, fingerprint, stringifyJson(reply))
      const position = Number(lastInsertRowid)
      if (position % FORGET_STEP === 0) forget.run(position - kept)
    },
  }
}
