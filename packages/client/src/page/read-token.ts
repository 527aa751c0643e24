import { OptionError } from '@dustlayer/protocol'
import type { IssuedToken } from '@dustlayer/sync'

/** What a token function gives. Null, undefined or '' say that nobody is signed in: what is written waits. */
export type TokenAnswer =
  | string
  /** `expiresAt`: until when it is good, as a Date or in epoch milliseconds. It is replaced in good time. */
  | { readonly token: string; readonly expiresAt?: number | Date | null | undefined }
  | null
  | undefined

/**
 * A token, or a function that gives one. A function that throws, as without a network, is called again later; one that
 * takes its time is not called again meanwhile, for two minutes.
 */
export type Token = string | (() => TokenAnswer | Promise<TokenAnswer>)

/** As for the sync client: an answer that takes longer will not come. */
const LOST_ANSWER_MS = 120_000

/**
 * Reads tokens for one worker after the other: one that takes another's place asks again, and gets the answer to the
 * question that is open. `now`: epoch ms.
 */
export function createTokenReader(source: Token, now: () => number): () => Promise<IssuedToken | null> {
  let open: { readonly answer: Promise<IssuedToken | null>; readonly askedAt: number } | undefined
  return () => {
    if (open && Math.abs(now() - open.askedAt) < LOST_ANSWER_MS) return open.answer
    const answer = readToken(source)
    const question = { answer, askedAt: now() }
    open = question
    const close = (): void => {
      if (open === question) open = undefined
    }
    answer.then(close, close)
    return answer
  }
}

/** The token as data for the worker; null when nobody is signed in. @throws OptionError for what is no token. */
export async function readToken(source: Token): Promise<IssuedToken | null> {
  const answer: unknown = typeof source === 'function' ? await source() : source
  if (answer === null || answer === undefined || answer === '') return null
  if (typeof answer === 'string') return { token: answer }
  const { token, expiresAt } = answer as { readonly token?: unknown; readonly expiresAt?: unknown }
  if (token === null || token === '') return null
  if (typeof token === 'string') return { token, expiresAt: readExpiry(expiresAt) }
  throw new OptionError(
    `The token function gave ${describe(answer)} in place of a token. Give a string, or { token, expiresAt }.`,
  )
}

function readExpiry(expiresAt: unknown): number | null {
  if (expiresAt === null || expiresAt === undefined) return null
  const ms = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt
  if (typeof ms === 'number' && Number.isFinite(ms)) return ms
  throw new OptionError('The token function gave an expiresAt that is no Date and no epoch milliseconds.')
}

function describe(answer: unknown): string {
  return typeof answer === 'object' ? 'an object without one' : `a ${typeof answer}`
}
