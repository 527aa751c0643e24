import { normalizePath, OptionError, type PathInput, toLeafValue } from '@dustlayer/protocol'
import { aDuration, anything, checkOptions, requireOptions } from '../options.js'
import type { SendCall } from '../page/call-batch.js'
import { takeFor } from '../page/values.js'
import { randomId } from '../random-id.js'
import { checkStoreName } from '../store-name.js'
import type { Lease } from '../tab/calls.js'

export interface LeaseOptions {
  /** Until when it lasts, unless it is renewed: so many milliseconds from now. */
  readonly ttlMs: number
  /** Who holds it, for whoever reads the entry; this device's id by default. */
  readonly holder?: unknown
}

export interface RenewOptions {
  readonly ttlMs: number
}

/**
 * Leases are decided by the server, at once: without a connection, also while the first one is being made, these calls
 * reject with LeaseError `unavailable`, and nothing is queued. Await `synced` before when the page has just been opened.
 */
export interface LeaseOperations {
  /**
   * Takes the lease at a path; null when somebody holds it (this client included).
   * @throws LeaseError `unavailable`; `occupied` when the path holds another kind of value.
   */
  lease(store: string, key: PathInput, options: LeaseOptions): Promise<Lease | null>
  /** Lets it last longer, with the same token; null when it is not held any more. */
  renew(store: string, lease: Pick<Lease, 'key' | 'token'>, options: RenewOptions): Promise<Lease | null>
  /** Gives it back; false when it had been given back, or was somebody else's, already. */
  release(store: string, lease: Pick<Lease, 'key' | 'token'>): Promise<boolean>
}

export function createLeaseOperations(call: SendCall): LeaseOperations {
  return {
    async lease(store, key, options) {
      checkOptions('lease', options, { ttlMs: aDuration, holder: anything })
      requireOptions('lease', options ?? {}, ['ttlMs'])
      const { ttlMs, holder } = options
      return call({
        kind: 'lease',
        store: checkStoreName(store),
        id: randomId('op_'),
        key: normalizePath(key),
        ttlMs,
        holder: holder === undefined ? null : takeFor('lease', normalizePath(key), () => toLeafValue(holder)),
        patienceMs: 0,
      })
    },
    async renew(store, lease, options) {
      checkOptions('renew', options, { ttlMs: aDuration })
      requireOptions('renew', options ?? {}, ['ttlMs'])
      const { ttlMs } = options
      const id = randomId('op_')
      return call({
        kind: 'renew',
        store: checkStoreName(store),
        id,
        ...heldLease('renew', lease),
        ttlMs,
        patienceMs: 0,
      })
    },
    async release(store, lease) {
      const id = randomId('op_')
      return call({ kind: 'release', store: checkStoreName(store), id, ...heldLease('release', lease) })
    },
  }
}

function heldLease(name: string, lease: Pick<Lease, 'key' | 'token'>): { key: string; token: number } {
  if (typeof lease !== 'object' || lease === null || !Number.isSafeInteger(lease.token)) {
    throw new OptionError(`${name} needs the lease that \`lease\` gave.`)
  }
  return { key: normalizePath(lease.key), token: lease.token }
}
