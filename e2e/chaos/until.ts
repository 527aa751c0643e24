import { setTimeout as wait } from 'node:timers/promises'

/** A condition that did not come true in time: what the suite found out, not a fault of the suite. */
export class StuckError extends Error {
  override readonly name = 'StuckError'
}

/** How long anything may take that has to come true after a fault. Well above what is slow, well below forever. */
const PATIENCE_MS = 30_000

/** Resolves with the first value that is neither undefined nor false. @throws StuckError, with `what` was waited for. */
export async function until<T>(
  what: string | (() => string),
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  everyMs = 50,
): Promise<T> {
  const end = Date.now() + PATIENCE_MS
  while (Date.now() < end) {
    const value = await condition()
    if (value !== undefined && value !== false) return value
    await wait(everyMs)
  }
  throw new StuckError(`Still not after ${PATIENCE_MS} ms: ${typeof what === 'string' ? what : what()}`)
}

/** The promise's value. @throws StuckError when it takes too long, with `what` was waited for. */
export async function within<T>(what: string, promise: Promise<T>, ms = PATIENCE_MS): Promise<T> {
  const late = new AbortController()
  const stuck = async (): Promise<never> => {
    await wait(ms, undefined, { signal: late.signal })
    throw new StuckError(`Still not after ${ms} ms: ${what}`)
  }
  try {
    return await Promise.race([promise, stuck()])
  } finally {
    late.abort()
  }
}

/** What a page answers, or undefined when it does not answer in time, or has gone. */
export async function answerOf<T>(answer: Promise<T>, withinMs: number): Promise<T | undefined> {
  const late = new AbortController()
  const given = answer.catch(() => undefined)
  try {
    return await Promise.race([given, wait(withinMs, undefined, { signal: late.signal })])
  } finally {
    late.abort()
  }
}
