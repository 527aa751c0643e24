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

/** Gets tokens, and knows how long the last one is good. */
export interface TokenKeeper {
  /** Whether there is a source that could give another one. */
  readonly renewable: boolean
  /** Gives the last token while that is good, else asks. */
  read(handlers: TokenHandlers): void
  /** Asks in any case. */
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

interface Held {
  readonly token: string
  readonly renewAt: number
}

export function createTokenKeeper(source: TokenSource, clock: Clock): TokenKeeper {
  let held: Held | undefined
  let offered: string | undefined

  const take = (answer: unknown, handlers: TokenHandlers): void => {
    const issued = readAnswer(answer)
    held = undefined
    if (!issued) {
      handlers.failed(
        new AuthorizationError('unauthorized', 'The token function gave no token: sign in, then reconnect.'),
      )
      return
    }
    const { token, expiresAt } = issued
    if (expiresAt !== null) {
      const life = Math.max(0, expiresAt - clock.now())
      held = { token, renewAt: expiresAt - Math.min(LEAD_MS, life / 4) }
    }
    handlers.token(token)
  }

  const ask = (handlers: TokenHandlers): void => {
    if (typeof source === 'string') {
      take(source, handlers)
      return
    }
    const failed = (cause: unknown): void => {
      const detail = cause instanceof Error ? cause.message : String(cause)
      handlers.failed(
        new UnavailableError(`The token function failed (${detail}). It is called again.`, {}, { cause }),
      )
    }
    new Promise<unknown>((resolve) => resolve(source())).then((answer) => take(answer, handlers), failed)
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
