import { type DustError, errorFromRejection, FrameError, type FramePayload } from '@dustlayer/protocol'
import type { Requests } from './requests.js'

/** Gives the server another token over the open connection (`reauth`, docs/protocol-extensions.md). */
export interface Reauthorization {
  push(token: string): void
  /** What only another token takes out of the way now; null when nothing is. It is asked for once for each refusal. */
  refusedNow(refusal: DustError | null): void
}

export interface ReauthorizationOptions {
  readonly store: string
  readonly requests: Pick<Requests, 'send'>
  /** What the new token allows in the store. */
  granted(response: FramePayload): void
  /** The server does not take it; the one before still counts. */
  refused(error: DustError): void
  /** Another token is needed. */
  tokenTurnedDown(): void
}

export function createReauthorization(options: ReauthorizationOptions): Reauthorization {
  const { store, requests, granted, tokenTurnedDown } = options
  let noted: DustError | null = null
  const refuse = (error: DustError): void => {
    options.refused(error)
    tokenTurnedDown()
  }
  return {
    refusedNow(refusal) {
      const news = refusal !== noted
      noted = refusal
      if (news && refusal?.code === 'unauthorized') tokenTurnedDown()
    },
    push(token) {
      try {
        requests.send('reauth', { token }, ({ reply }) => {
          // Without an answer the connection is gone, or about to: the next one begins with this token.
          if (!reply) return
          const { status, response } = reply
          if (status === 'ok') granted(response)
          else {
            const reason = typeof response.reason === 'string' ? response.reason : 'unknown'
            refuse(errorFromRejection({ ...response, reason }, { store }))
          }
        })
      } catch (error) {
        if (!(error instanceof FrameError)) throw error
        refuse(error)
      }
    },
  }
}
