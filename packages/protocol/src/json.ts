/**
 * A JSON value. Integers beyond ±(2^53 - 1) are bigints, so that none loses digits; every other number is a
 * double.
 */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | { [key: string]: JsonValue }

/** How deep a text with large integers may be nested. */
const MAX_DEPTH = 512

/** Turning digits into a bigint takes more than linear time, so their number is bounded. */
const MAX_INTEGER_DIGITS = 1_000

/** 2^53 has 16 digits: without such a run, no integer can be unsafe. (Written out, it is ten times as fast as {16}.) */
const LONG_DIGITS = new RegExp('\\d'.repeat(16))

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const WHITESPACE = /[ \t\n\r]*/y

/**
 * Reads JSON without losing digits of integers.
 * @throws SyntaxError for text that is not JSON, as JSON.parse does, and for text with large integers that is
 *   nested more than 512 deep or has an integer of more than 1,000 digits.
 */
export function parseJson(text: string): JsonValue {
  // JSON.parse yields nothing but JSON.
  return LONG_DIGITS.test(text) ? parseExactly(text) : (JSON.parse(text) as JsonValue)
}

/**
 * Writes JSON that {@link parseJson} reads as the same value: a bigint becomes its digits, and a number beyond
 * ±(2^53 - 1) gets an exponent, as digits alone would come back as a bigint.
 */
export function stringifyJson(value: JsonValue): string {
  try {
    const text = JSON.stringify(value)
    return LONG_DIGITS.test(text) && holdsLargeFloat(value) ? stringifyExactly(value) : text
  } catch (error) {
    // JSON.stringify refuses bigints, and nothing else about a JsonValue but one that is too deep (a RangeError).
    if (error instanceof TypeError) return stringifyExactly(value)
    throw error
  }
}

function stringifyExactly(value: JsonValue): string {
  if (typeof value === 'bigint') return value.toString()
  if (isLargeFloat(value)) return value.toExponential()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(stringifyExactly).join(',')}]`
  const members = Object.entries(value)
    // As JSON.stringify does, should a type have lied.
    .filter(([, inner]) => inner !== undefined)
    .map(([key, inner]) => `${JSON.stringify(key)}:${stringifyExactly(inner)}`)
  return `{${members.join(',')}}`
}

/** The beginning of a value as JSON, for messages about what came from elsewhere: it may be anything, of any size. */
export function excerpt(value: JsonValue): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, EXCERPT_LENGTH))
  if (typeof value !== 'object' || value === null) return String(value).slice(0, EXCERPT_LENGTH)
  return Array.isArray(value) ? 'a list' : 'an object'
}

const EXCERPT_LENGTH = 80

/** A number that has no fraction, but is no integer that a number could hold exactly. */
function isLargeFloat(value: JsonValue): value is number {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
}

function holdsLargeFloat(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return isLargeFloat(value)
  return (Array.isArray(value) ? value : Object.values(value)).some(holdsLargeFloat)
}

/**
 * A small reader of its own (docs/decisions/0010-lossless-json.md): Node 20 has no access to the source text in a
 * reviver. Texts without long runs of digits never get here.
 */
function parseExactly(text: string): JsonValue {
  let at = 0
  const value = readValue(0)
  skipWhitespace()
  if (at < text.length) unexpected()
  return value

  function readValue(depth: number): JsonValue {
    skipWhitespace()
    switch (text[at]) {
      case '{':
        return readObject(depth)
      case '[':
        return readArray(depth)
      case '"':
        return readString()
      case 't':
        return readWord('true', true)
      case 'f':
        return readWord('false', false)
      case 'n':
        return readWord('null', null)
      default:
        return readNumber()
    }
  }

  function readObject(depth: number): JsonValue {
    const object: { [key: string]: JsonValue } = {}
    open(depth)
    if (closes('}')) return object
    for (;;) {
      skipWhitespace()
      if (text[at] !== '"') unexpected()
      const key = readString()
      expect(':')
      setOwn(object, key, readValue(depth + 1))
      if (closes('}')) return object
      expect(',')
    }
  }

  function readArray(depth: number): JsonValue {
    const array: JsonValue[] = []
    open(depth)
    if (closes(']')) return array
    for (;;) {
      array.push(readValue(depth + 1))
      if (closes(']')) return array
      expect(',')
    }
  }

  function readString(): string {
    let end = text.indexOf('"', at + 1)
    while (end !== -1 && isEscaped(end)) end = text.indexOf('"', end + 1)
    if (end === -1) throw new SyntaxError('Unterminated string in JSON')
    const literal = text.slice(at, end + 1)
    at = end + 1
    // A string literal; JSON.parse checks its characters and escapes.
    return JSON.parse(literal) as string
  }

  function isEscaped(quote: number): boolean {
    let backslashes = 0
    while (text[quote - 1 - backslashes] === '\\') backslashes++
    return backslashes % 2 === 1
  }

  function readNumber(): number | bigint {
    NUMBER.lastIndex = at
    const match = NUMBER.exec(text)
    if (!match) return unexpected()
    const [literal, fraction, exponent] = match
    at += literal.length
    const number = Number(literal)
    if (fraction !== undefined || exponent !== undefined || Number.isSafeInteger(number)) return number
    if (literal.length > MAX_INTEGER_DIGITS)
      throw new SyntaxError(`Integer of ${literal.length} digits in JSON`)
    return BigInt(literal)
  }

  function readWord<T>(word: string, meaning: T): T {
    if (!text.startsWith(word, at)) unexpected()
    at += word.length
    return meaning
  }

  function open(depth: number): void {
    if (depth >= MAX_DEPTH) throw new SyntaxError(`JSON nested more than ${MAX_DEPTH} deep`)
    at++
  }

  function closes(bracket: string): boolean {
    skipWhitespace()
    if (text[at] !== bracket) return false
    at++
    return true
  }

  function expect(mark: string): void {
    skipWhitespace()
    if (text[at] !== mark) unexpected()
    at++
  }

  function skipWhitespace(): void {
    WHITESPACE.lastIndex = at
    WHITESPACE.test(text)
    at = WHITESPACE.lastIndex
  }

  function unexpected(): never {
    const found = at < text.length ? `Unexpected token ${JSON.stringify(text[at])}` : 'Unexpected end of text'
    throw new SyntaxError(`${found} in JSON at position ${at}`)
  }
}

/** Assigning to `__proto__` would set the prototype; JSON.parse makes it a key like any other, and so do we. */
export function setOwn<T>(object: { [key: string]: T }, key: string, value: T): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    object[key] = value
  }
}
