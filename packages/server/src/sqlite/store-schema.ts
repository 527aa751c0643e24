/**
 * The schema of a store's file. Text compares by bytes, so that path order is UTF-8 byte order. The log's value
 * is never null: "no value" is the JSON text `null`.
 */
export const STORE_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE ops (
    seq INTEGER PRIMARY KEY,
    op TEXT NOT NULL,
    path TEXT NOT NULL,
    value TEXT NOT NULL,
    device_id TEXT NOT NULL,
    client_op_id TEXT NOT NULL,
    inserted_at INTEGER NOT NULL
  );
  CREATE TABLE entries (
    path TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    type TEXT NOT NULL,
    seq INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX entries_of_files ON entries (json_extract(value, '$.hash')) WHERE type = 'file';
  CREATE TABLE snapshots (
    seq INTEGER PRIMARY KEY,
    taken_at INTEGER NOT NULL
  );
  CREATE TABLE snapshot_entries (
    path TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    type TEXT NOT NULL,
    seq INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE receipts (
    position INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    client_op_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    reply TEXT NOT NULL
  );
  CREATE UNIQUE INDEX receipts_by_op ON receipts (device_id, client_op_id, fingerprint);
  CREATE TABLE files (
    hash TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    filename TEXT
  ) WITHOUT ROWID;
  `,
  // The row \`digest\` is added when a file is opened that has none.
  `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO meta VALUES ('incarnation', lower(hex(randomblob(16))));
  CREATE TABLE devices (
    device_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
]
