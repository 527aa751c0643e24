import { InvalidValueError } from '../errors.js'

/** A decimal number of any size and precision. It keeps the text it was made of: `29.990` stays `29.990`. */
export class Decimal {
  /** Such as `-1.50` or `6.02e23`. */
  readonly text: string

  private constructor(text: string) {
    this.text = text
    Object.freeze(this)
  }

  /**
   * From text, a bigint, or a number that is no integer beyond 2^53 (which may have lost digits already).
   * @throws InvalidValueError for anything else.
   * @example Decimal.from('29.990')
   */
  static from(source: string | number | bigint | Decimal): Decimal {
    if (source instanceof Decimal) return source
    if (typeof source === 'number' && Number.isInteger(source) && !Number.isSafeInteger(source)) {
      throw new InvalidValueError(
        `The number ${source} may have lost digits before it got here. Give a decimal this large as text or as a bigint.`,
        '',
      )
    }
    const text = typeof source === 'number' || typeof source === 'bigint' ? String(source) : source
    if (typeof text !== 'string' || !isDecimalText(text)) {
      throw new InvalidValueError(
        `${typeof source === 'object' ? 'An object' : JSON.stringify(String(source))} is no decimal number. Write digits, as '-1.50' or '6.02e23'.`,
        '',
      )
    }
    return new Decimal(text)
  }

  toString(): string {
    return this.text
  }

  /** The nearest double; infinite beyond their range. */
  toNumber(): number {
    return Number(this.text)
  }

  toJSON(): string {
    return this.text
  }

  /** Whether both are the same number, however it is written: `29.990` equals `29.99`. */
  equals(other: Decimal): boolean {
    return canonical(this.text) === canonical(other.text)
  }
}

const DECIMAL = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/

/** Whether a text can be the text of a decimal. */
export function isDecimalText(text: string): boolean {
  return DECIMAL.test(text)
}

/** One text for each number: the sign, the digits without zeros at either end, and the power of ten. */
function canonical(text: string): string {
  const [, sign = '', whole = '', fraction = '', bareFraction = '', exponent = '0'] = DECIMAL.exec(text) ?? []
  const decimals = fraction + bareFraction
  const digits = (whole + decimals).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  const power = BigInt(exponent) - BigInt(decimals.length) + BigInt(digits.length - significant.length)
  return `${sign === '-' ? '-' : ''}${significant}e${power}`
}
