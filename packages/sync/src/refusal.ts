import {
  type DustError,
  errorFromRejection,
  type FramePayload,
  RateLimitedError,
  refusedOpIndex,
} from '@dustlayer/protocol'
import type { Shipment } from './shipment.js'
import { targetOf } from './unsent.js'

const STORAGE_RETRY_MS = 10_000

/**
 * - `later`: the server cannot take it now.
 * - `out-of-turn`: it came behind one that the server could not take.
 * - `held`: it is about the store or the token, not about the op, which may well be accepted later.
 * - `not-joined`: the server does not know this join.
 * - `refused`: for good.
 */
export type RefusalMeaning = 'later' | 'out-of-turn' | 'held' | 'not-joined' | 'refused'

export interface Refusal {
  readonly meaning: RefusalMeaning
  readonly error: DustError
  /** Milliseconds to wait at least; for `later`. */
  readonly waitMs: number
  /** The op of a batch that was at fault; null when none is, or it is no batch. */
  readonly opIndex: number | null
}

const MEANINGS: { readonly [reason: string]: RefusalMeaning } = {
  rate_limited: 'later',
  // The server's disk is at fault, not the op: refusing it would lose the write.
  storage_failed: 'later',
  out_of_turn: 'out-of-turn',
  unauthorized: 'held',
  store_not_allowed: 'held',
  missing_scope: 'held',
  store_archived: 'held',
  'unmatched topic': 'not-joined',
}

/** What the server's refusal of a shipment means for it. */
export function judgeRefusal(store: string, shipment: Shipment, response: FramePayload): Refusal {
  const reason = typeof response.reason === 'string' ? response.reason : 'unknown'
  const meaning = Object.hasOwn(MEANINGS, reason) ? (MEANINGS[reason] ?? 'refused') : 'refused'
  const opIndex = shipment.event === 'batch' ? refusedOpIndex(response) : null
  const culprit = shipment.ops[opIndex ?? -1]
  const target = culprit ? { store, path: culprit.payload.path } : targetOf(store, shipment)
  const error = errorFromRejection({ ...response, reason }, meaning === 'held' ? { store } : target)
  const waitMs = error instanceof RateLimitedError ? error.retryAfterMs : STORAGE_RETRY_MS
  return { meaning, error, waitMs, opIndex: culprit ? opIndex : null }
}
