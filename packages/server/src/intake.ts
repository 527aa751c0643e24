import { WebSocket } from 'ws'

/** Whether a peer is read from. What is not read waits with the peer, not in the memory of the server. */
export interface Intake {
  /** Stops reading until the returned function is called. */
  hold(): () => void
  /** Counts a push as unanswered until the returned function is called; one with too many is not read from. */
  pushed(): () => void
}

/** As many as the sequencer commits at once: more would only wait, and keep the pushes of others waiting. */
const MOST_UNANSWERED = 1_000

export function createIntake(ws: Pick<WebSocket, 'pause' | 'resume' | 'readyState'>): Intake {
  let holds = 0
  let unanswered = 0
  let release: (() => void) | undefined

  const hold = () => {
    if (holds++ === 0) ws.pause()
    return once(() => {
      if (--holds === 0 && ws.readyState !== WebSocket.CLOSED) ws.resume()
    })
  }

  return {
    hold,
    pushed() {
      if (++unanswered >= MOST_UNANSWERED) release ??= hold()
      return once(() => {
        if (--unanswered > MOST_UNANSWERED / 2) return
        release?.()
        release = undefined
      })
    },
  }
}

function once(run: () => void): () => void {
  let due = true
  return () => {
    if (!due) return
    due = false
    run()
  }
}
