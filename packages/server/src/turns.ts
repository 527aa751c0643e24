import { type Reply, rejected } from './reply.js'
import type { Job } from './sequencer.js'

/**
 * Keeps the writes of one join in order although some are turned away for the moment: until the first of those comes
 * again, the later ones are turned away, too (docs/protocol-extensions.md, `ordered_writes`).
 */
export interface Turns {
  /** The job of a write, which does nothing when it is not the write's turn. */
  inTurn(opId: string, job: Job<Reply>): Job<Reply>
  /** The write could not be stored, and its sender is told to send it again. */
  failed(opId: string): void
}

const FOR_THE_MOMENT: ReadonlySet<unknown> = new Set(['rate_limited', 'storage_failed'])

export function createTurns(): Turns {
  let awaited: string | null = null
  return {
    // Decided inside the transaction, as that is where writes have their order.
    inTurn: (opId, job) => (session) => {
      if (awaited !== null && awaited !== opId) return rejected({ reason: 'out_of_turn', awaited })
      const reply = job(session)
      const before = awaited
      session.ifUndone(() => {
        awaited = before
      })
      awaited = turnedAway(reply) ? opId : null
      return reply
    },
    failed(opId) {
      awaited ??= opId
    },
  }
}

function turnedAway({ status, response }: Reply): boolean {
  return status === 'error' && FOR_THE_MOMENT.has(response.reason)
}
