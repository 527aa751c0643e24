import { AuthorizationError, type DustError, UnavailableError } from '@dustlayer/protocol'
import type { Clock } from './clock.js'

/** A token that tells how long it is good. */
export interface IssuedToken {
  readonly token: string
  /** Epoch milliseconds; null or left out when that is unknown. */
  readonly expiresAt?: number | null | undefined
}

/** What a token function gives; null and '' say that nobody is signed in. */
export type TokenAnswer = string | IssuedToken | null

/**
 * A token, or where to get one. The function is called for each connection attempt, unless the last token says that
 * it is still good; before that one expires; and when the server has turned it down.
 */
export type TokenSource = string | (() => TokenAnswer | Promise<TokenAnswer>)

export interface TokenHandlers {
  token(token: string): void
  /** AuthorizationError: nobody is signed in. Anything else may be better the next time. */
  failed(error: DustError): void
}

/** Gets tokens, and knows how long the last one is good. A function is never called while it owes an answer. */
export interface TokenKeeper {
  /** Whether there is a source that could give another one. */
  readonly renewable: boolean
  /** Gives the last token while that is good, else asks. */
  read(handlers: TokenHandlers): void
  /** Asks in any case; who asks while a question is open gets its answer. */
  ask(handlers: TokenHandlers): void
  /** Gives this one at the next `read`, once. */
  offer(token: string): void
  /** The server does not take the last token: it is not given again. */
  turnedDown(): void
  /** Milliseconds until the last token should be replaced; null when that is unknown. */
  renewInMs(): number | null
}

/** A token is replaced so long before it expires, but after three quarters of its life at the latest. */
const LEAD_MS = 60_000
/** An answer that takes longer will not come: whom a function waits for may have gone without a word. */
export const LOST_ANSWER_MS = 120_000

interface Held {
  readonly token: string
  readonly renewAt: number
}

interface Question {
  /** Epoch milliseconds. */
  readonly askedAt: number
  readonly waiting: TokenHandlers[]
}

export function createTokenKeeper(source: TokenSource, clock: Clock): TokenKeeper {
  let held: Held | undefined
  let offered: string | undefined
  let open: Question | undefined

  const take = (answer: unknown, waiting: readonly TokenHandlers[]): void => {
    const issued = readAnswer(answer)
    held = undefined
    if (!issued) {
      const message = 'The token function gave no token: sign in, then reconnect.'
      for (const { failed } of waiting) failed(new AuthorizationError('unauthorized', message))
      return
    }
    const { token, expiresAt } = issued
    if (expiresAt !== null) {
      const life = Math.max(0, expiresAt - clock.now())
      held = { token, renewAt: expiresAt - Math.min(LEAD_MS, life / 4) }
    }
    for (const handlers of waiting) handlers.token(token)
  }

  const put = (call: () => TokenAnswer | Promise<TokenAnswer>, first: TokenHandlers): void => {
    const question: Question = { askedAt: clock.now(), waiting: [first] }
    open = question
    /** Who waits for it; nobody, when it counts as lost and another one is open. */
    const close = (): readonly TokenHandlers[] => {
      if (open !== question) return []
      open = undefined
      return question.waiting
    }
    new Promise<unknown>((resolve) => resolve(call())).then(
      (answer) => {
        if (open === question) take(answer, close())
      },
      (cause: unknown) => {
        const detail = cause instanceof Error ? cause.message : String(cause)
        const message = `The token function failed (${detail}). It is called again.`
        for (const { failed } of close()) failed(new UnavailableError(message, {}, { cause }))
      },
    )
  }

  const ask = (handlers: TokenHandlers): void => {
    if (typeof source === 'string') take(source, [handlers])
    else if (open && Math.abs(clock.now() - open.askedAt) < LOST_ANSWER_MS) open.waiting.push(handlers)
    else put(source, handlers)
  }

  return {
    renewable: typeof source === 'function',
    read(handlers) {
      const next = offered ?? (held && clock.now() < held.renewAt ? held.token : undefined)
      offered = undefined
      if (next !== undefined) handlers.token(next)
      else ask(handlers)
    },
    ask,
    offer(token) {
      offered = token
    },
    turnedDown() {
      held = undefined
      offered = undefined
    },
    renewInMs: () => (held ? Math.max(0, held.renewAt - clock.now()) : null),
  }
}

/** What came from an app's function, perhaps through a worker's messages: undefined when it is no token. */
function readAnswer(answer: unknown): { token: string; expiresAt: number | null } | undefined {
  if (typeof answer === 'string') return answer === '' ? undefined : { token: answer, expiresAt: null }
  if (typeof answer !== 'object' || answer === null) return undefined
  const { token, expiresAt } = answer as Partial<Record<keyof IssuedToken, unknown>>
  if (typeof token !== 'string' || token === '') return undefined
  return { token, expiresAt: typeof expiresAt === 'number' && Number.isFinite(expiresAt) ? expiresAt : null }
}
