import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Frame, FramePayload } from './link.js'
import type { ServerInfo } from './server.js'

/** A program that speaks the bare wire protocol in JSON: it sees the server as any other client does. */
export interface RawClient {
  /** Everything the server has sent, in order. */
  readonly frames: readonly Frame[]
  /** Sends a push and gives the reply's payload: `{status, response}`. */
  push(event: string, payload: FramePayload, topic?: string): Promise<Reply>
  /** Resolves with the first frame, past or future, that `accepts`. */
  frame(accepts: (frame: Frame) => boolean): Promise<Frame>
  close(): void
}

export interface Reply {
  readonly status: 'ok' | 'error'
  readonly response: FramePayload
}

export async function connectRaw({ url, token, store }: ServerInfo, deviceId: string): Promise<RawClient> {
  const query = new URLSearchParams({ token, device_id: deviceId, capver: '3', vsn: '2.0.0' })
  const socket = new WebSocket(`${url}/websocket?${query}`, { perMessageDeflate: false })
  const frames: Frame[] = []
  const waiting = new Set<{ accepts(frame: Frame): boolean; resolve(frame: Frame): void }>()
  socket.on('message', (data) => {
    const frame: Frame = JSON.parse(data.toString())
    frames.push(frame)
    for (const waiter of waiting) {
      if (!waiter.accepts(frame)) continue
      waiting.delete(waiter)
      waiter.resolve(frame)
    }
  })
  await once(socket, 'open')

  let lastRef = 0
  const joinRefs = new Map<string, string>()
  const frame = (accepts: (frame: Frame) => boolean) => {
    const past = frames.find(accepts)
    return past ? Promise.resolve(past) : new Promise<Frame>((resolve) => waiting.add({ accepts, resolve }))
  }
  return {
    frames,
    frame,
    async push(event, payload, topic = `store:${store}`) {
      const ref = String(++lastRef)
      if (event === 'phx_join') joinRefs.set(topic, ref)
      socket.send(JSON.stringify([joinRefs.get(topic) ?? null, ref, topic, event, payload]))
      const [, , , , reply] = await frame((candidate) => candidate[1] === ref && candidate[3] === 'phx_reply')
      // The payload of every phx_reply has this shape (spec/wire.md §3).
      return reply as unknown as Reply
    },
    close: () => socket.close(),
  }
}

/** One op of a store's log as the server replays it (spec/wire.md §9.1). */
export interface LoggedOp {
  readonly store_seq: number
  readonly op: string
  readonly path: string
  readonly value: unknown
  readonly device_id: string
  readonly client_op_id: string
}

/** The store's whole log, read by a client that joins from nothing. */
export async function readLog(server: ServerInfo): Promise<LoggedOp[]> {
  const client = await connectRaw(server, 'e2e-reader')
  try {
    await client.push('phx_join', { last_store_seq: 0 })
    await client.frame(([, , , event]) => event === 'catch_up_complete')
    return (
      client.frames
        .filter(([, , , event]) => event === 'event')
        // Events have this payload.
        .map(([, , , , payload]) => payload as unknown as LoggedOp)
    )
  } finally {
    client.close()
  }
}
