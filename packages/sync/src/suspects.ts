import type { OutboxOp } from '@dustlayer/replica'

/** So many crashes put an op into quarantine. */
const MAX_CRASHES = 2

/**
 * Finds the op that crashes the server's channel (conformance I17). The channel answers in order, so at a crash the
 * first unanswered op is the suspect. After that, all ops that were under way are sent one by one; the suspect that
 * is alone at its second crash is guilty.
 */
export interface Suspects {
  /** The ops up to this position are to be sent one by one. */
  readonly carefulThrough: number
  /** The channel crashed while these ops, in sending order, were unanswered. */
  crashed(unanswered: readonly OutboxOp[]): void
  answered(opId: string): void
  /** The ops found guilty since the last call. */
  takeGuilty(): OutboxOp[]
}

export function createSuspects(): Suspects {
  const crashes = new Map<string, number>()
  let guilty: OutboxOp[] = []
  let carefulThrough = 0

  return {
    get carefulThrough() {
      return carefulThrough
    },
    crashed(unanswered) {
      const [suspect] = unanswered
      if (!suspect) return
      for (const { position } of unanswered) carefulThrough = Math.max(carefulThrough, position)
      const count = (crashes.get(suspect.opId) ?? 0) + 1
      if (count < MAX_CRASHES || unanswered.length > 1) {
        crashes.set(suspect.opId, count)
      } else {
        crashes.delete(suspect.opId)
        guilty.push(suspect)
      }
    },
    answered: (opId) => void crashes.delete(opId),
    takeGuilty() {
      const found = guilty
      guilty = []
      return found
    },
  }
}
