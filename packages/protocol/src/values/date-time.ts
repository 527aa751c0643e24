import { InvalidValueError } from '../errors.js'
import { parseInstant } from './iso-datetime.js'

/** A moment in time. It keeps the text it was made of, with its offset and all digits of its fraction. */
export class DateTime {
  /** ISO 8601 with an offset, such as `2026-01-31T08:30:00+01:00`. */
  readonly text: string

  private constructor(text: string) {
    this.text = text
    Object.freeze(this)
  }

  /**
   * From ISO 8601 text with an offset, a Date, or epoch milliseconds. Years are 0 to 9999.
   * @throws InvalidValueError for anything else.
   * @example DateTime.from('2026-01-31T08:30:00+01:00').toDate()
   */
  static from(source: string | number | Date | DateTime): DateTime {
    if (source instanceof DateTime) return source
    const text = typeof source === 'string' ? source : isoText(source)
    if (text === undefined || !isDateTimeText(text)) {
      throw new InvalidValueError(
        `${typeof source === 'object' ? 'An object' : JSON.stringify(String(source))} is no datetime. Write ISO 8601 with an offset, as 2026-01-31T08:30:00Z, or give a valid Date.`,
        '',
      )
    }
    return new DateTime(text)
  }

  toString(): string {
    return this.text
  }

  /** Rounded down to milliseconds, which is all that a Date can hold. */
  toDate(): Date {
    const { seconds, fraction } = instantOf(this)
    return new Date(seconds * 1_000 + Number(fraction.slice(0, 3).padEnd(3, '0')))
  }

  toJSON(): string {
    return this.text
  }

  /** Whether both are the same moment, however it is written. */
  equals(other: DateTime): boolean {
    const a = instantOf(this)
    const b = instantOf(other)
    return a.seconds === b.seconds && a.fraction === b.fraction
  }
}

/** Whether a text can be the text of a datetime. */
export function isDateTimeText(text: string): boolean {
  return parseInstant(text) !== undefined
}

function isoText(source: unknown): string | undefined {
  const date = typeof source === 'number' ? new Date(source) : source
  return date instanceof Date && !Number.isNaN(date.getTime()) ? date.toISOString() : undefined
}

function instantOf({ text }: DateTime): NonNullable<ReturnType<typeof parseInstant>> {
  const instant = parseInstant(text)
  if (!instant) throw new TypeError(`${text} is no datetime, although it was one at the start.`)
  return instant
}
