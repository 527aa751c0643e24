import { DustError } from '@dustlayer/protocol'
import type { SqliteDriver } from './driver.js'

/**
 * Version 1:
 * - `entries`: the confirmed state, leaf rows. `synced_at` is the local wall clock (epoch ms) of the write.
 * - `outbox`: pending ops in issue order. `waits_for` and `acked_seq` as in {@link OutboxOp}.
 * - `settled`: verdicts of recent ops, so that a call that is tried again after a hand-over is not done twice.
 * - `meta`: one row; `cursor` is the last_store_seq up to which `entries` is the fold of the server's log.
 */
const VERSION = 1

const TABLES = `
  create table entries (
    path text primary key, value text not null, type text not null, seq integer not null, synced_at integer
  ) without rowid;
  create table outbox (
    position integer primary key, op_id text not null, op text not null, path text not null, value text not null,
    if_match integer, if_absent integer not null, waits_for text, acked_seq integer, issued_at integer not null
  );
  create table settled (position integer primary key, op_id text not null, revision integer, error text);
  create table meta (id integer primary key check (id = 1), cursor integer not null);
  insert into meta (id, cursor) values (1, 0);
  pragma user_version = ${VERSION};
`

/**
 * Creates the tables of a new database and recognises those of an existing one.
 * @throws DustError `newer_database` when a newer version of this library wrote the file; it is left untouched.
 */
export function openSchema(driver: SqliteDriver, store: string): void {
  const version = Number(driver.all('pragma user_version')[0]?.[0] ?? 0)
  if (version === VERSION) return
  if (version > VERSION) {
    throw new DustError(
      'newer_database',
      `The local copy of ${store} was written by a newer version of this app (${version}, this one knows ${VERSION}). Reload to get that version; the data is untouched.`,
      { store, version },
    )
  }
  driver.transaction(() => driver.exec(TABLES))
}
