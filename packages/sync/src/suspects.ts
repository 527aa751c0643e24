import { lastPosition, type Shipment } from './shipment.js'

/** So many crashes put a shipment into quarantine. */
const MAX_CRASHES = 2

/**
 * Finds what crashes the server's channel (conformance I17). The channel answers in order, so at a crash the first
 * unanswered shipment is the suspect. After that, all that were under way are sent one by one; the suspect that is
 * alone at its second crash is guilty.
 */
export interface Suspects {
  /** What stands in the outbox up to this position is to be sent one by one. */
  readonly carefulThrough: number
  /** The channel crashed while these, in sending order, were unanswered. */
  crashed(unanswered: readonly Shipment[]): void
  answered(id: string): void
  /** Everything before this position has left the outbox, whichever way. */
  forgetBefore(position: number): void
  /** The shipments found guilty since the last call. */
  takeGuilty(): Shipment[]
}

export function createSuspects(): Suspects {
  const crashes = new Map<string, { readonly count: number; readonly position: number }>()
  let guilty: Shipment[] = []
  let carefulThrough = 0

  return {
    get carefulThrough() {
      return carefulThrough
    },
    crashed(unanswered) {
      const [suspect] = unanswered
      if (!suspect) return
      for (const shipment of unanswered) carefulThrough = Math.max(carefulThrough, lastPosition(shipment))
      const count = (crashes.get(suspect.id)?.count ?? 0) + 1
      if (count < MAX_CRASHES || unanswered.length > 1) {
        crashes.set(suspect.id, { count, position: suspect.ops[0].position })
      } else {
        crashes.delete(suspect.id)
        guilty.push(suspect)
      }
    },
    answered: (id) => void crashes.delete(id),
    forgetBefore(position) {
      for (const [id, crash] of crashes) if (crash.position < position) crashes.delete(id)
    },
    takeGuilty() {
      const found = guilty
      guilty = []
      return found
    },
  }
}
