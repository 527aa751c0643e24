import WebSocket from 'ws'
import { entryOf } from '../dataset.js'
import type { DustAddress } from './process.js'

/** Writes so many entries, an op each, to a store that has none; resolves with the store_seq of the last. */
export function fillStore({ url, token, store }: DustAddress, count: number): Promise<number> {
  const query = new URLSearchParams({ token, device_id: 'dev_bench_fill', capver: '3', vsn: '2.0.0' })
  const socket = new WebSocket(`${url}/websocket?${query}`, { perMessageDeflate: false })
  const underway = 500
  let sent = 0
  let answered = 0

  const send = (): void => {
    const [path, value] = entryOf('ingest', sent)
    const op = { op: 'set', path, path_segments: path.split('/'), value, client_op_id: `fill-${sent}` }
    sent += 1
    socket.send(JSON.stringify(['1', String(sent + 1), `store:${store}`, 'write', op]))
  }

  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('open', () => socket.send(`["1","1","store:${store}","phx_join",{"last_store_seq":0}]`))
    socket.on('message', (data: Buffer) => {
      if (data.includes('"catch_up_complete"')) {
        while (sent < Math.min(underway, count)) send()
        return
      }
      if (!data.includes('"phx_reply"') || !data.includes('"store_seq"') || data.includes('"capver"')) return
      answered += 1
      if (sent < count) send()
      if (answered < count) return
      socket.terminate()
      resolve(count)
    })
  })
}
