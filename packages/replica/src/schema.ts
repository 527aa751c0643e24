import { DustError } from '@dustlayer/protocol'
import type { SqliteDriver } from './driver.js'

/**
 * One text for each version, which makes it of the one before. A new database goes through all of them, so that
 * there is one way to each version. Texts of published versions never change. Each version has another shape than those
 * before it (`schema-shape.ts`).
 */
const MIGRATIONS: readonly string[] = [
  /*
   * Version 1:
   * - `entries`: the confirmed state, leaf rows. `synced_at` is the local wall clock (epoch ms) of the write.
   * - `outbox`: pending ops in issue order. `waits_for` and `acked_seq` as in PendingOp.
   * - `settled`: verdicts of recent ops, so that a call that is tried again after a hand-over is not done twice.
   * - `meta`: one row; `cursor` is the last_store_seq up to which `entries` is the fold of the server's log.
   */
  `
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
  `,
  /*
   * Version 2:
   * - `outbox`: fences (JSON) and the batch of an op; `batch_separate` is 1 where it may be sent op by op.
   * - `replaced`: ids of ops whose place in the outbox a later op has taken.
   * - `rejections`: refused writes, until the app retries or drops them; `error` is JSON.
   * - `staged`: another confirmed state that is being built. It becomes `entries` by a change of names, so the two
   *   are alike.
   * - `meta`: the server's `incarnation` and `extensions` (JSON list); of the staged state the seq of its snapshot
   *   (null: nothing is staged), the path up to which the snapshot is here, the seq up to which it holds the log, and
   *   the incarnation that it belongs to.
   */
  `
  alter table outbox add column fence text;
  alter table outbox add column batch_id text;
  alter table outbox add column batch_separate integer;
  create table replaced (position integer not null, op_id text not null, primary key (position, op_id)) without rowid;
  create table rejections (
    position integer primary key, op_id text not null unique, op text not null, path text not null,
    value text not null, if_match integer, if_absent integer not null, fence text, batch_id text,
    issued_at integer not null, rejected_at integer not null, error text not null
  );
  create table staged (
    path text primary key, value text not null, type text not null, seq integer not null, synced_at integer
  ) without rowid;
  alter table meta add column incarnation text;
  alter table meta add column extensions text not null default '[]';
  alter table meta add column staged_seq integer;
  alter table meta add column staged_after text;
  alter table meta add column staged_cursor integer;
  alter table meta add column staged_incarnation text;
  `,
  /* Version 3: checksums of ops, null for those that were written by an earlier version. */
  `
  alter table outbox add column sum integer;
  alter table rejections add column sum integer;
  `,
]

/** The version that this library reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length

/**
 * Creates the tables of a new database, recognises those of an existing one, and brings an older one up to date in
 * one transaction: if that is interrupted, the database is as it was.
 * @throws DustError `newer_database` when a newer version of this library wrote the file; it is left untouched.
 */
export function openSchema(driver: SqliteDriver, store: string): void {
  const version = Number(driver.all('pragma user_version')[0]?.[0] ?? 0)
  if (version === SCHEMA_VERSION) return
  if (version > SCHEMA_VERSION) {
    throw new DustError(
      'newer_database',
      `The local copy of ${store} was written by a newer version of this app (${version}, this one knows ${SCHEMA_VERSION}). Reload to get that version; the data is untouched.`,
      { store, version },
    )
  }
  driver.transaction(() => {
    for (const migration of MIGRATIONS.slice(version)) driver.exec(migration)
    driver.exec(`pragma user_version = ${SCHEMA_VERSION}`)
  })
}
