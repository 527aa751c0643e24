import {
  AuthorizationError,
  ConflictError,
  type DustError,
  ExistsError,
  LeaseError,
  RateLimitedError,
  RejectedError,
  type Rejection,
} from './errors.js'
import type { JsonValue } from './json.js'
import { MAX_VALUE_DEPTH } from './stored-value.js'

const DEFAULT_RETRY_AFTER_MS = 60_000

/** Where a refused op was aimed; makes the message useful. */
export interface RejectionTarget {
  readonly store: string
  readonly path?: string
}

/**
 * The typed error for a server's (or the local plan's) refusal.
 * Unknown reasons become a {@link RejectedError} that carries the reason as its code (spec/wire.md §10).
 */
export function errorFromRejection(rejection: Rejection, target: RejectionTarget): DustError {
  const { reason } = rejection
  const where = target.path === undefined ? target.store : `${target.store} ${target.path}`
  const fields = { ...rejection, ...target }
  switch (reason) {
    case 'conflict':
      return new ConflictError(
        `${where} was changed by somebody else: ifMatch does not hold. Read the entry again and decide anew.`,
        revisionOf(rejection.current_revision),
        fields,
      )
    case 'exists':
      return new ExistsError(
        `${where} already exists: ifAbsent does not hold. Read the entry and decide anew.`,
        revisionOf(rejection.current_revision),
        fields,
      )
    case 'unauthorized':
      return new AuthorizationError(
        reason,
        `${target.store} does not exist, is archived, or the token may not open it.`,
        undefined,
        fields,
      )
    case 'store_not_allowed':
      return new AuthorizationError(
        reason,
        `The token has no access to ${target.store}. Use one that is granted this store.`,
        undefined,
        fields,
      )
    case 'missing_scope': {
      const scope = typeof rejection.scope === 'string' ? rejection.scope : undefined
      return new AuthorizationError(
        reason,
        `The token lacks the scope ${scope ?? 'that this needs'} for ${where}.`,
        scope,
        fields,
      )
    }
    case 'rate_limited': {
      const wait = rejection.retry_after_ms
      const retryAfterMs = typeof wait === 'number' && wait >= 0 ? wait : DEFAULT_RETRY_AFTER_MS
      return new RateLimitedError(
        `${target.store}: too many writes, wait ${retryAfterMs} ms.`,
        retryAfterMs,
        fields,
      )
    }
    case 'held':
    case 'occupied':
    case 'not_held':
    case 'fenced':
      return new LeaseError(reason, `${where}: ${LEASE_MESSAGES[reason]}`, fields)
    default:
      return new RejectedError(
        reason,
        `${where}: ${REASON_MESSAGES[reason] ?? `refused (${reason}).`}`,
        fields,
      )
  }
}

const LEASE_MESSAGES = {
  held: 'the lease is held by somebody. Wait for its release or its expiry.',
  occupied: 'the path holds a value that is no lease. Use another path for the lease.',
  not_held: 'this token does not hold the lease (any more).',
  fenced: 'the lease named by the fence is not held with this token: the write was refused.',
}

const REASON_MESSAGES: { readonly [reason: string]: string } = {
  path_too_deep: 'the path has more than 256 segments.',
  empty_segment: 'the path, or a key of the map, is empty somewhere. Give every segment and key a name.',
  value_too_deep: `the value is nested more than ${MAX_VALUE_DEPTH} deep. Use paths for structure.`,
  integer_out_of_range: 'an integer of the value is beyond 64 bits. Use a Decimal.',
  invalid_decimal: 'a decimal of the value has text that is no decimal number.',
  invalid_datetime: 'a datetime of the value has text that is not ISO 8601 with an offset.',
  merge_requires_map_value: 'merge needs a map.',
  increment_requires_number_value: 'increment needs a number.',
  increment_requires_number_target: 'holds a value that is no number, so it cannot be incremented.',
  increment_out_of_range: 'the total would be beyond 64 bits, or beyond what a float can hold.',
  add_requires_value: 'add needs a member other than null.',
  remove_requires_value: 'remove needs a member other than null.',
  if_match_unsupported_op: 'ifMatch works on put and delete only.',
  if_match_multi_leaf: 'ifMatch needs a single value, not a map.',
  if_absent_unsupported_op: 'ifAbsent works on put only.',
  if_absent_multi_leaf: 'ifAbsent needs a single value, not a map.',
  invalid_precondition: 'these preconditions cannot be combined, or are malformed.',
  storage_failed: 'the server could not store it.',
  store_archived: 'the store is archived and takes no writes.',
  limit_exceeded: 'a limit of the plan is reached.',
  out_of_turn: 'an earlier write has to come first.',
  invalid_batch: 'the batch has no ops, or one that is malformed.',
  batch_too_large: 'the batch has more than 500 ops. Split it.',
  lease_in_batch: 'leases cannot be taken, renewed or released in a batch.',
  duplicate_client_op_id: 'two ops of the batch have the same id.',
}

function revisionOf(value: JsonValue | undefined): number | null | undefined {
  return typeof value === 'number' || value === null ? value : undefined
}
