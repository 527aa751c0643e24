import type { JsonValue } from '../json.js'
import type { JsonMap } from '../value.js'
import { hasExactKeys } from './envelope-keys.js'

/** A lease as it reads at its path: who holds it and until when. It may have run out (spec/semantics.md §6). */
export class LeaseValue {
  /** What the holder said about itself. */
  readonly holder: JsonValue
  /** What a fence has to name. */
  readonly token: number
  /** Epoch milliseconds, by the server's clock. */
  readonly expiresAt: number

  constructor(lease: Pick<LeaseValue, 'holder' | 'token' | 'expiresAt'>) {
    this.holder = lease.holder
    this.token = lease.token
    this.expiresAt = lease.expiresAt
    Object.freeze(this)
  }

  /** The envelope, as it is stored. */
  toJSON(): JsonMap {
    return { _type: 'lease', holder: this.holder, token: this.token, expires_at: this.expiresAt }
  }
}

const KEYS = ['_type', 'holder', 'token', 'expires_at']

/** The lease that an envelope stands for; undefined when a LeaseValue could not hold all of it. */
export function leaseValueOf(envelope: JsonMap): LeaseValue | undefined {
  const { holder = null, token, expires_at: expiresAt } = envelope
  if (!hasExactKeys(envelope, KEYS)) return undefined
  if (typeof token !== 'number' || !Number.isSafeInteger(token)) return undefined
  if (typeof expiresAt !== 'number' || !Number.isSafeInteger(expiresAt)) return undefined
  return new LeaseValue({ holder, token, expiresAt })
}
