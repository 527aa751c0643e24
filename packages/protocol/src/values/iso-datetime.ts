/** A moment as its text says it: whole seconds since 1970 in UTC, and the digits of the fraction after them. */
export interface Instant {
  readonly seconds: number
  /** Without trailing zeros; empty for none. */
  readonly fraction: string
}

const DATETIME = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):?(\d\d))$/

/**
 * Reads ISO 8601 with an offset, in years 0 to 9999; undefined for anything else, days that do not exist included.
 * Not left to Date.parse, which takes 30 February for 2 March. A leap second is the moment after it.
 */
export function parseInstant(text: string): Instant | undefined {
  const match = DATETIME.exec(text)
  if (!match) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
  const [fraction = '', sign = '+'] = [match[7], match[8]]
  const [offsetHours, offsetMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)]
  if (hour > 23 || minute > 59 || second > 60 || offsetHours > 23 || offsetMinutes > 59) return undefined
  const date = new Date(0)
  // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day)
  // What does not exist has been carried into another month.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const offset = (sign === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes)
  const seconds = date.getTime() / 1_000 + (hour * 60 + minute - offset) * 60 + second
  return { seconds, fraction: fraction.replace(/0+$/, '') }
}
