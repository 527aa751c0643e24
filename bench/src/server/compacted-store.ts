import { createServer } from '@dustlayer/server'
import WebSocket from 'ws'
import { entryOf } from '../dataset.js'
import type { DustAddress } from './process.js'

/**
 * Fills a data directory with a store of so many entries, whose log is compacted, and prints its address but for
 * the server, which is started on the directory afterwards.
 */
const BATCH = 500
const UNDERWAY = 4
const STORE = 'bench/compacted'

async function fill(dataDir: string, count: number): Promise<void> {
  const server = await createServer({ dataDir, compaction: false })
  server.createStore(STORE)
  const { token } = server.createToken({ stores: ['bench/*'], scopes: ['entries:read', 'entries:write'] })
  await writeEntries({ url: server.url, token, store: STORE }, count)
  server.compact(STORE)
  await server.close()
  process.stdout.write(`${JSON.stringify({ token, store: STORE })}\n`)
}

function writeEntries({ url, token, store }: DustAddress, count: number): Promise<void> {
  const query = new URLSearchParams({ token, device_id: 'dev_bench_fill', capver: '3', vsn: '2.0.0' })
  const socket = new WebSocket(`${url}/websocket?${query}`, { perMessageDeflate: false })
  const topic = `store:${store}`
  let sent = 0
  let answered = 0

  const send = (): void => {
    const ops = Array.from({ length: Math.min(BATCH, count - sent) }, () => {
      const [path, value] = entryOf('ingest', sent)
      return { op: 'set', path, value, client_op_id: `fill-${sent++}` }
    })
    socket.send(
      JSON.stringify(['1', `${sent + 1}`, topic, 'batch', { client_op_id: `fill-to-${sent}`, ops }]),
    )
  }

  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('open', () => {
      socket.send(
        JSON.stringify(['1', '1', topic, 'phx_join', { last_store_seq: null, extensions: ['batch'] }]),
      )
    })
    socket.on('message', (data: Buffer) => {
      if (data.includes('"catch_up_complete"')) {
        for (let i = 0; i < UNDERWAY && sent < count; i++) send()
        return
      }
      if (!data.includes('"store_seqs"')) {
        if (data.includes('"error"')) reject(new Error(`A batch was refused: ${data.toString()}`))
        return
      }
      answered += BATCH
      if (sent < count) send()
      else if (answered >= count) {
        socket.terminate()
        resolve()
      }
    })
  })
}

const [dataDir, count] = process.argv.slice(2)
if (!dataDir || !count) throw new Error('Usage: compacted-store.js <data directory> <entries>')
await fill(dataDir, Number(count))
