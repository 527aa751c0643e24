import { AuthorizationError, type DustError, UnavailableError } from '@dustlayer/protocol'

/** A token, or where to get a fresh one: the function is called for each connection attempt. */
export type TokenSource = string | (() => string | Promise<string>)

export interface TokenHandlers {
  token(token: string): void
  failed(error: DustError): void
}

/** Gets the token. A fixed one is there at once; what a function throws is a failed attempt. */
export function readToken(source: TokenSource, handlers: TokenHandlers): void {
  const got = (token: unknown): void => {
    if (typeof token === 'string' && token !== '') handlers.token(token)
    else
      handlers.failed(
        new AuthorizationError('unauthorized', 'The token function gave no token: sign in, then reconnect.'),
      )
  }
  const failed = (cause: unknown): void => {
    const detail = cause instanceof Error ? cause.message : String(cause)
    handlers.failed(
      new UnavailableError(`The token function failed (${detail}). It is called again.`, {}, { cause }),
    )
  }
  if (typeof source === 'string') got(source)
  else new Promise<unknown>((resolve) => resolve(source())).then(got, failed)
}
