import type { Blobs } from './blobs.js'
import type { Catalog } from './catalog.js'
import type { Clock } from './clock.js'
import type { Logger } from './log.js'
import type { RateLimiter } from './rate-limit.js'
import type { StoreHub } from './store-hub.js'
import type { Limits } from './write-job.js'

/** What every connection and request of one server shares. */
export interface Services {
  readonly catalog: Catalog
  readonly hub: StoreHub
  readonly blobs: Blobs
  readonly clock: Clock
  readonly logger: Logger
  readonly rateLimiter: RateLimiter
  readonly limits: Limits
  /** The organization in which a join creates the store it names; only in development mode. */
  readonly devOrg: string | undefined
}
