import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'

/**
 * The bare limit of the storage side: a loop of inserts with the server's pragmas and nothing else in the process.
 * Prints ops a second for the given ops a commit and duration (ms). `store` writes what the server must write for an
 * op: its log, its entry, and the receipt by which a resend is recognised.
 */
function insertsPerSecond(perCommit: number, duration: number, what: string): number {
  const directory = mkdtempSync(join(tmpdir(), 'dust-bench-inserts-'))
  const db = new Database(join(directory, 'bench.db'))
  db.pragma('journal_mode = wal')
  db.pragma('synchronous = full')
  db.exec('create table ops (seq integer primary key, path text not null, value text not null)')
  const insert = db.prepare('insert into ops (path, value) values (?, ?)')
  db.exec('create table entries (path text primary key, value text not null, seq integer) without rowid')
  db.exec(
    'create table receipts (position integer primary key, op_id text not null unique, reply text not null)',
  )
  const entry = db.prepare('insert into entries values (?, ?, ?)')
  const receipt = db.prepare('insert into receipts (op_id, reply) values (?, ?)')
  const value = JSON.stringify('x'.repeat(100))
  const commit = db.transaction((from: number) => {
    for (let index = from; index < from + perCommit; index++) {
      const path = `bench/w0/${index}`
      insert.run(path, value)
      if (what !== 'store') continue
      entry.run(path, value, index)
      receipt.run(`dev_bench_0 op-0-${index}`, '{"status":"ok","response":{"store_seq":12345}}')
    }
  })
  let rows = 0
  const start = performance.now()
  while (performance.now() - start < duration) {
    commit.immediate(rows)
    rows += perCommit
  }
  const seconds = (performance.now() - start) / 1_000
  db.close()
  rmSync(directory, { recursive: true, force: true })
  return rows / seconds
}

const [perCommit = '1', duration = '1000', what = 'log'] = process.argv.slice(2)
process.stdout.write(`${JSON.stringify(insertsPerSecond(Number(perCommit), Number(duration), what))}\n`)
