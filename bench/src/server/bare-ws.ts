import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

/**
 * The bare limit of the socket side: for each message, one frame of an event's size to every connection, then one
 * of a reply's size to the sender. No parsing, no storage, no order to keep.
 */
const EVENT = Buffer.from(
  `[null,null,"store:dev/load-00-00","event",{"store_seq":12345,"op":"set","path":"bench/w10/12345",` +
    `"path_segments":["bench","w10","12345"],"value":"${'x'.repeat(100)}","device_id":"dev_bench_10","client_op_id":"op-10-12345"}]`,
)
const REPLY = Buffer.from(
  `["1","12345","store:dev/load-00-00","phx_reply",{"status":"ok","response":{"store_seq":12345}}]`,
)
const CAUGHT_UP = Buffer.from(`["1",null,"store:dev/load-00-00","catch_up_complete",{"through_seq":0}]`)

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
const sockets = new Set<WebSocket>()
// Text frames, as a server that speaks JSON sends.
const asText = { binary: false }

server.on('connection', (socket) => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  socket.on('message', (data: Buffer) => {
    if (data.includes('"phx_join"')) {
      socket.send(CAUGHT_UP, asText)
      return
    }
    for (const member of sockets) member.send(EVENT, asText)
    socket.send(REPLY, asText)
  })
})
server.on('listening', () => {
  // It listens on TCP, so the address is not a pipe's name.
  const { port } = server.address() as AddressInfo
  process.stdout.write(
    `${JSON.stringify({ url: `ws://127.0.0.1:${port}`, token: 'none', store: 'dev/load' })}\n`,
  )
})
process.on('SIGTERM', () => process.exit(0))
