import { AuthorizationError, type DustError, UnavailableError } from '@dustlayer/protocol'
import type { LinkClose, ProbeResult } from './transport.js'

/** What a failed handshake means for the next one. */
export interface Verdict {
  readonly error: DustError
  /** The server itself has said no to this token. */
  readonly refused: boolean
  /** When the server wants to be asked again at the earliest. */
  readonly atLeastMs: number
}

/** Judges a handshake that failed, by what its probe found out. `server` is the URL as it may be shown. */
export function verdictOf(server: string, result: ProbeResult, { code, reason }: LinkClose): Verdict {
  switch (result.outcome) {
    case 'refused': {
      const message = `${server} refused the connection (${result.reason}). It is tried again, rarely; after a new sign-in, reconnect.`
      const error = new AuthorizationError('unauthorized', message, undefined, { reason: result.reason })
      return { error, refused: true, atLeastMs: 0 }
    }
    case 'intercepted': {
      const message = `${server} is not what answers there: a web page came instead. Sign in to the network that this device is on; or the url is not that of a Dust server. It is tried again.`
      const error = new UnavailableError(message, { reason: 'captive_portal', closeCode: code })
      return { error, refused: false, atLeastMs: 0 }
    }
    default: {
      const why = reason === '' ? `close code ${code}` : reason
      const error = new UnavailableError(`${server} cannot be reached (${why}). It is tried again.`, {
        closeCode: code,
      })
      return { error, refused: false, atLeastMs: result.outcome === 'busy' ? result.retryAfterMs : 0 }
    }
  }
}
