import { once } from 'node:events'
import { WebSocket } from 'ws'

/** A connection that speaks WebDriver BiDi (w3.org/TR/webdriver-bidi): commands and their answers, no events. */
export interface Bidi {
  /** @throws what the browser answered, or that it has gone. */
  send(method: string, params: object): Promise<BidiResult>
  close(): void
}

export type BidiResult = Record<string, unknown>

interface Pending {
  readonly method: string
  resolve(result: BidiResult): void
  reject(error: Error): void
}

export async function connectBidi(url: string): Promise<Bidi> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  const pending = new Map<number, Pending>()
  let lastId = 0
  socket.on('message', (data) => {
    const message: Record<string, unknown> = JSON.parse(data.toString())
    const waiting = pending.get(Number(message.id))
    // What has no id is an event.
    if (!waiting) return
    pending.delete(Number(message.id))
    // A success carries a map (specification, §3.2).
    if (message.type === 'success') waiting.resolve(message.result as BidiResult)
    else waiting.reject(new Error(`${waiting.method}: ${message.error}: ${message.message}`))
  })
  socket.on('close', () => {
    for (const { method, reject } of pending.values()) reject(new Error(`${method}: the browser has gone`))
    pending.clear()
  })
  await once(socket, 'open')
  // From here on a broken connection is told by its close.
  socket.on('error', () => undefined)
  return {
    send: (method, params) =>
      new Promise((resolve, reject) => {
        if (socket.readyState !== WebSocket.OPEN) return reject(new Error(`${method}: the browser has gone`))
        const id = ++lastId
        pending.set(id, { method, resolve, reject })
        socket.send(JSON.stringify({ id, method, params }))
      }),
    close: () => socket.close(),
  }
}
