import { join } from 'node:path'
import Database from 'better-sqlite3'
import { WebSocket, WebSocketServer } from 'ws'
import { entryOf } from '../dataset.js'
import type { ReplicaClientResult } from './replica-client.js'

/**
 * The bare limit of a first sync: the entries as JSON, 500 a frame, over a socket of this machine, parsed and
 * inserted in one transaction. Sender and receiver are one process; nothing is kept at the sending side, nothing
 * checked, no type, no revision.
 */
const FRAME = 500

function serve(count: number): Promise<WebSocketServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  server.on('connection', (socket) => {
    let sent = 0
    const sendSome = (): void => {
      const entries = Array.from({ length: Math.min(FRAME, count - sent) }, () => {
        const [path, value] = entryOf('ingest', sent++)
        return { path, value }
      })
      socket.send(JSON.stringify(entries), () => {
        if (sent < count) sendSome()
        else socket.close()
      })
    }
    sendSome()
  })
  return new Promise((resolve) => server.on('listening', () => resolve(server)))
}

async function copy(directory: string, count: number): Promise<ReplicaClientResult> {
  const server = await serve(count)
  const db = new Database(join(directory, 'copy.db'))
  db.pragma('journal_mode = wal')
  db.pragma('synchronous = full')
  db.exec('create table entries (path text primary key, value text not null) without rowid')
  const insert = db.prepare('insert into entries values (?, ?)')
  const start = performance.now()
  db.exec('begin immediate')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port.')
  const socket = new WebSocket(`ws://127.0.0.1:${address.port}`, { perMessageDeflate: false })
  socket.on('message', (data: Buffer) => {
    // The server above sends these.
    const entries = JSON.parse(data.toString()) as { path: string; value: string }[]
    for (const { path, value } of entries) insert.run(path, JSON.stringify(value))
  })
  await new Promise((resolve) => socket.on('close', resolve))
  db.exec('commit')
  const ms = performance.now() - start
  const entries = Number(db.prepare('select count(*) from entries').pluck().get())
  db.close()
  server.close()
  return { ms, entries, peakBytes: process.resourceUsage().maxRSS * 1_024 }
}

const [directory, count] = process.argv.slice(2)
if (!directory || !count) throw new Error('Usage: bare-copy.js <directory> <entries>')
process.stdout.write(`${JSON.stringify(await copy(directory, Number(count)))}\n`)
