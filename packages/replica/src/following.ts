import { DustError, type StoreEventPayload } from '@dustlayer/protocol'

/** Each event after the cursor once. @throws DustError `event_gap` when one is missing between them. */
export function following(cursor: number, events: readonly StoreEventPayload[]): StoreEventPayload[] {
  let last = cursor
  return events.filter(({ store_seq: seq }) => {
    if (seq <= last) return false
    if (seq !== last + 1) throw gap(last, seq)
    last = seq
    return true
  })
}

function gap(cursor: number, seq: number): DustError {
  return new DustError(
    'event_gap',
    `Event ${seq} cannot be applied on top of ${cursor}: the ones between are missing.`,
  )
}
