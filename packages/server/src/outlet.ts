import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import type { Intake } from './intake.js'
import type { Outlet } from './member.js'
import type { WireFormat } from './wire-format.js'

/** An outlet onto a WebSocket. */
export interface SocketOutlet extends Outlet {
  /** Whether a slow peer has taken some of what waits for it since the last call. */
  progressed(): boolean
}

/** Beyond this, a peer first has to take something before it gets more events. */
const HIGH_WATER_BYTES = 4_000_000

/** A peer that sends without receiving is not read from, so that answers to it do not pile up either. */
export function createOutlet(
  ws: WebSocket,
  socket: Socket,
  format: WireFormat,
  intake: Intake,
): SocketOutlet {
  let release: (() => void) | undefined
  let corked = false
  let written = 0
  let waiting: (() => void)[] = []

  const congested = () => ws.bufferedAmount > HIGH_WATER_BYTES

  const drained = () => {
    const runs = waiting
    waiting = []
    for (const run of runs) run()
  }
  const whenDrained = (run: () => void) => {
    waiting.push(run)
    if (waiting.length > 1) return
    if (socket.writableNeedDrain) socket.once('drain', drained)
    else setImmediate(drained)
  }
  // What is sent in one turn of the event loop leaves in one system call.
  const cork = () => {
    if (corked) return
    corked = true
    socket.cork()
    process.nextTick(() => {
      corked = false
      socket.uncork()
    })
  }
  const resume = () => {
    if (ws.readyState === WebSocket.OPEN && congested()) {
      whenDrained(resume)
      return
    }
    release?.()
    release = undefined
  }

  return {
    format,
    congested,
    whenDrained,
    send(frame) {
      if (ws.readyState !== WebSocket.OPEN) return
      cork()
      ws.send(frame, { binary: format.kind === 'msgpack' })
      if (congested() && !release) {
        release = intake.hold()
        whenDrained(resume)
      }
    },
    progressed() {
      const before = written
      written = socket.bytesWritten
      return socket.writableLength > 0 && written > before
    },
  }
}
