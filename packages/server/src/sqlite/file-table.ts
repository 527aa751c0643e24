import type { Database } from 'better-sqlite3'
import type { FileTable, StoredFile } from '../storage.js'

const REFERRED = "SELECT json_extract(value, '$.hash') FROM entries WHERE type = 'file'"

export function createFileTable(db: Database): FileTable {
  const insert = db.prepare(
    'INSERT OR IGNORE INTO files (hash, size, content_type, filename) VALUES (?, ?, ?, ?)',
  )
  const find = db.prepare<[string, string], StoredFile>(
    `SELECT hash, size, content_type AS contentType, filename FROM files
     WHERE hash = ? AND EXISTS (${REFERRED} AND json_extract(value, '$.hash') = ?)`,
  )
  const total = db
    .prepare<[], number>(`SELECT coalesce(sum(size), 0) FROM files WHERE hash IN (${REFERRED})`)
    .pluck()

  return {
    add(file) {
      insert.run(file.hash, file.size, file.contentType, file.filename)
    },
    referenced: (hash) => find.get(hash, hash),
    totalBytes: () => total.get() ?? 0,
  }
}
