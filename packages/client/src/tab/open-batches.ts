import { type ErrorData, errorToData, UnavailableError } from '@dustlayer/protocol'
import { type Call, type CallKind, type CallResult, isLongCall } from './calls.js'
import { LOOK_MS } from './vigil.js'

/** Calls of one message that have not been answered. */
export interface OpenBatch {
  readonly calls: readonly Call[]
  readonly settle: (results: readonly CallResult[]) => void
  /** To how many leaders it was sent. */
  sent: number
  /** How many leaders fell silent while they had it. */
  silenced: number
  /** For how many looks there has been nobody to serve it. */
  unserved: number
}

/** How long calls wait while no leader can serve them. */
const UNSERVED_MS = 30_000
/** Counted in looks, as silence is: what a tab sleeps through is not waiting. */
const UNSERVED_LOOKS = UNSERVED_MS / LOOK_MS
/** So long a leader that has the calls may take to say that it has not run them. */
const ANSWER_LOOKS = 2

export function isOverdue({ unserved }: OpenBatch): boolean {
  return unserved >= UNSERVED_LOOKS
}

/** Nobody has the calls, or who has them does not even say that they will not be run. */
export function isHopeless({ unserved, sent }: OpenBatch): boolean {
  return sent === 0 || unserved >= UNSERVED_LOOKS + ANSWER_LOOKS
}

/** It may be what silenced them, and would silence the next one as well. */
const MOST_SILENCED = 3

export function isPoisonous({ silenced, calls }: OpenBatch): boolean {
  return silenced >= MOST_SILENCED && !calls.every(waitsForServer)
}

/** May be open for hours, and costs a leader nothing. */
function waitsForServer(call: Call): boolean {
  return isLongCall(call) && call.kind !== 'doctor' && call.kind !== 'export'
}

export function poisonous(): ErrorData {
  return errorToData(
    new UnavailableError(
      `${MOST_SILENCED} tabs, one after the other, stopped responding while they had this call, so it is not tried again. Ask for less at once.`,
    ),
  )
}

/**
 * The results of calls that no leader has answered. What a call would have registered needs no leader: it stands in
 * the tab, which tells it to the next one. `uncertain`: a leader may have got them and not said what it did.
 */
export function unanswered(calls: readonly Call[], error: ErrorData, uncertain: boolean): CallResult[] {
  return calls.map((call) => {
    if (REGISTERING.has(call.kind)) return { ok: true, value: null }
    return { ok: false, error: uncertain && WRITING.has(call.kind) ? mayHaveBeenWritten(error) : error }
  })
}

export function noLeader(): ErrorData {
  return errorToData(
    new UnavailableError(
      `No tab could serve the call within ${UNSERVED_MS / 1_000} s. If another tab of this site does not respond, close it.`,
    ),
  )
}

/** Their results say nothing, and the registry knows what they mean. */
const REGISTERING: ReadonlySet<CallKind> = new Set<CallKind>([
  'subscribe',
  'unsubscribe',
  'live',
  'unlive',
  'unwatchStatus',
])

const WRITING: ReadonlySet<CallKind> = new Set<CallKind>(['write', 'batch', 'retryRejection', 'publish'])

function mayHaveBeenWritten(error: ErrorData): ErrorData {
  const hint =
    'The write may have been made all the same, by a tab that does not respond: look before you repeat it.'
  return { ...error, message: `${error.message} ${hint}` }
}
