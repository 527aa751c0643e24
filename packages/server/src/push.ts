import { ClosedError, type FramePayload } from '@dustlayer/protocol'
import type { Agreement } from './agreement.js'
import { describeError } from './log.js'
import { isActive, type OpenStore } from './open-store.js'
import { type Reply, rejected } from './reply.js'
import type { Scope } from './scope.js'
import type { Job } from './sequencer.js'
import type { Services } from './services.js'
import { type Grant, refusal } from './token.js'
import type { Turns } from './turns.js'

/** A push on a joined topic, and who sent it. */
export interface Push {
  readonly services: Services
  readonly grant: Grant
  /** From now on this counts for the whole connection, in place of `grant`. */
  readonly regrant: (grant: Grant) => void
  readonly store: OpenStore
  readonly deviceId: string
  readonly agreement: Agreement
  /** Null for a join that did not ask for `ordered_writes`. */
  readonly turns: Turns | null
  readonly payload: FramePayload
  /** Answers the push, once; with `afterSeq` not before that op's event has been sent. */
  readonly answer: (reply: Reply, afterSeq?: number) => void
}

export type PushHandler = (push: Push) => void

/** Why the push may not write at all, or not now; `cost` is what the rate limit counts it as. */
export function denyWrite({ services, grant, store }: Push, scope: Scope, cost = 1): Reply | undefined {
  const denied = refusal(grant, store.record, scope)
  if (denied) return rejected(denied)
  const wait = services.rateLimiter.hit(grant.tokenId, cost)
  return wait === undefined ? undefined : rejected({ reason: 'rate_limited', retry_after_ms: wait })
}

/** The refusal of a write to a store that takes none. */
export function denyArchived({ services, store }: Push): Reply | undefined {
  return isActive(store.record, services.clock.now()) ? undefined : rejected({ reason: 'store_archived' })
}

export interface SubmitOptions {
  /** What a job counts for in a commit; 1 unless given. */
  readonly weight?: number | undefined
  /** What is answered instead of the job's reply, made after the commit and what was committed along with it. */
  readonly afterwards?: () => Reply
  /** The seq that the sender must have seen before the reply; that of the reply itself unless given. */
  readonly afterSeq?: (reply: Reply) => number
  /** Called before a failure is answered. */
  readonly failed?: () => void
}

/** Has the sequencer run the job, and answers with what it returns. */
export function submit(push: Push, job: Job<Reply>, options: SubmitOptions = {}): void {
  const { store, answer } = push
  const { weight, afterwards, afterSeq, failed } = options
  store.sequencer.submit(
    job,
    (result) => {
      if (result.ok) {
        const reply = afterwards?.() ?? result.value
        answer(reply, afterSeq?.(reply))
        return
      }
      // Without an answer the client sends the op again to the next server; a rejection would lose it.
      if (result.error instanceof ClosedError) return
      failed?.()
      answerFailure(push, result.error)
    },
    weight,
  )
}

/** Asked by somebody who waits for the answer, and not sent again: they have no place among the writes of an outbox. */
const WITHOUT_TURN: ReadonlySet<unknown> = new Set(['lease', 'renew', 'release'])

/** Submits a write; with `ordered_writes`, in its turn. A refusal is submitted as well, as it has its turn, too. */
export function submitWrite(push: Push, write: Job<Reply> | Reply, weight?: number): void {
  const { turns, payload, answer } = push
  const opId = payload.client_op_id
  const job = typeof write === 'function' ? write : () => write
  if (turns && typeof opId === 'string' && !WITHOUT_TURN.has(payload.op)) {
    submit(push, turns.inTurn(opId, job), { weight, failed: () => turns.failed(opId) })
  } else if (typeof write === 'function') {
    submit(push, job, { weight })
  } else {
    answer(write)
  }
}

export function answerFailure({ services, store, answer }: Push, error: unknown): void {
  const { org, name } = store.record
  services.logger.error('an op could not be stored', { store: `${org}/${name}`, error: describeError(error) })
  answer(
    rejected({
      reason: 'storage_failed',
      message: 'The server could not store the op. Nothing was written.',
    }),
  )
}
