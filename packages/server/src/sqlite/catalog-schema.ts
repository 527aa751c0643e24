/** The schema of `catalog.db`. Times are epoch milliseconds. */
export const CATALOG_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE stores (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    UNIQUE (org, name)
  ) WITHOUT ROWID;
  CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    last4 TEXT NOT NULL,
    name TEXT NOT NULL,
    org TEXT NOT NULL,
    store_access TEXT NOT NULL,
    store_ids TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE devices (
    device_id TEXT NOT NULL,
    token_id TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (device_id, token_id)
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE uploads (
    hash TEXT NOT NULL,
    store_id TEXT NOT NULL,
    PRIMARY KEY (hash, store_id)
  ) WITHOUT ROWID;
  `,
]
