import { FrameError } from '../errors.js'
import type { FramePayload, StoreEventPayload } from '../frame.js'
import { isObject } from '../value.js'
import { MAX_CHUNK_ENTRIES } from './snapshot-chunk.js'

/** `events`: what would be so many `event` frames, in this order. */
export type EventBatchPayload = { events: StoreEventPayload[] }

/**
 * The payloads of the `event` frames that an `events` frame stands for. Each is to be decoded and handled by itself,
 * so that one which is malformed, or of an op unknown here, means no more than it would in a frame of its own.
 * @throws FrameError when it is no list of at least one and at most 500 objects.
 */
export function splitEventBatch(payload: FramePayload): readonly FramePayload[] {
  const { events } = payload
  if (!Array.isArray(events) || events.length === 0) throw new FrameError('A batch of events has none.')
  if (events.length > MAX_CHUNK_ENTRIES)
    throw new FrameError(`A batch has ${events.length} events; ${MAX_CHUNK_ENTRIES} are allowed.`)
  return events.map((event) => {
    if (isObject(event)) return event
    throw new FrameError('A batch of events has one that is not an object.')
  })
}
