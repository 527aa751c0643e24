import type { DateTime } from './date-time.js'
import type { Decimal } from './decimal.js'
import type { FileRef } from './file-ref.js'
import type { LeaseValue } from './lease-value.js'

/** A value as an app sees it. Counters are numbers; bigints are integers beyond ±(2^53 - 1). */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Decimal
  | DateTime
  | FileRef
  | LeaseValue
  | ReadonlySet<Value>
  | readonly Value[]
  | { readonly [key: string]: Value }
