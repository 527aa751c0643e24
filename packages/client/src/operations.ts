import { type BatchOperations, createBatchOperations } from './operations/batch.js'
import { type CareOperations, createCareOperations } from './operations/care.js'
import { createLeaseOperations, type LeaseOperations } from './operations/lease.js'
import { createReadOperations, type ReadOperations } from './operations/read.js'
import { createRejectionOperations, type RejectionOperations } from './operations/rejections.js'
import { checkCallback, createSubscribeOperations, type SubscribeOperations } from './operations/subscribe.js'
import { createWriteOperations, type WriteOperations } from './operations/write.js'
import type { Connection } from './page/connection.js'
import { createSingleFlight, type SingleFlight } from './page/single-flight/single-flight.js'
import type { StoreStatus } from './page/status.js'
import type { Off } from './page/subscribers.js'
import { checkStoreName } from './store-name.js'

/**
 * Everything that can be done with a store, named first. Errors of arguments (paths, patterns, values, options) come
 * before anything is sent: as a rejection from what returns a promise, thrown by what does not.
 */
export interface Operations
  extends ReadOperations,
    WriteOperations,
    BatchOperations,
    RejectionOperations,
    LeaseOperations,
    CareOperations,
    SubscribeOperations {
  /**
   * The value at a key, computed once among all clients that ask for it: whoever has the lease runs the function,
   * the others wait for what it publishes (spec/semantics.md §7).
   * @throws SingleFlightTimeoutError when no value came in time; SingleFlightAbortedError when the function gave none;
   * LeaseError, RateLimitedError … as the server answers; whatever the function throws.
   * @example
   * const { value } = await dust.singleFlight('org/app', 'cache/rates', async ({ publish }) => publish(await fetchRates()))
   */
  singleFlight: SingleFlight
  status(store: string): Promise<StoreStatus>
  /** Calls back with the status now and whenever it changes. */
  onStatus(store: string, callback: (status: StoreStatus) => void): Off
}

export function createOperations(connection: Connection): Operations {
  const { call, status } = connection
  return {
    ...createReadOperations(connection),
    ...createWriteOperations(connection.write),
    ...createBatchOperations(connection.writeBatch),
    ...createRejectionOperations(connection),
    ...createLeaseOperations(call),
    ...createCareOperations(connection),
    singleFlight: createSingleFlight(connection),
    ...createSubscribeOperations(connection),
    status: async (store) => status.get(checkStoreName(store)),
    onStatus(store, callback) {
      checkCallback('onStatus', callback)
      return status.on(checkStoreName(store), (current) => callback(current))
    },
  }
}
