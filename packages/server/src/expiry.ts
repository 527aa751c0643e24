import { OptionError } from '@dustlayer/protocol'

/** The last moment that a Date can tell, in epoch milliseconds. */
const END_OF_TIME = 8_640_000_000_000_000

/**
 * An expiry as it is kept: epoch milliseconds, null for never.
 * @throws OptionError unless it is a whole number that a date can be made of.
 */
export function checkExpiry(expiresAt: number | undefined): number | null {
  if (expiresAt === undefined) return null
  if (Number.isInteger(expiresAt) && Math.abs(expiresAt) <= END_OF_TIME) return expiresAt
  throw new OptionError(
    'The expiry is no date: it must be in whole milliseconds since 1970, and before the year 275760.',
  )
}
