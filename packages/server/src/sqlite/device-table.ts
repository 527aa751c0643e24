import type { Database } from 'better-sqlite3'
import type { DeviceCursor, DeviceTable } from '../storage.js'

export function createDeviceTable(db: Database): DeviceTable {
  const all = db.prepare<[], DeviceCursor>(
    'SELECT device_id AS deviceId, seq, seen_at AS seenAt FROM devices',
  )
  const replace = db.prepare<[DeviceCursor]>(
    'INSERT OR REPLACE INTO devices VALUES (@deviceId, @seq, @seenAt)',
  )
  const forget = db.prepare<[number]>(
    `DELETE FROM devices WHERE device_id IN
     (SELECT device_id FROM devices ORDER BY seen_at DESC, device_id LIMIT -1 OFFSET ?)`,
  )
  const save = db.transaction((cursors: readonly DeviceCursor[], most: number) => {
    for (const cursor of cursors) replace.run(cursor)
    forget.run(most)
  })
  return { list: () => all.all(), save: (cursors, most) => save.immediate(cursors, most) }
}
