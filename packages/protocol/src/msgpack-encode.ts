import { FrameError } from './errors.js'
import type { JsonValue } from './json.js'
import { MAX_FRAME_DEPTH } from './msgpack-decode.js'
import { isWellFormed } from './well-formed.js'

// Every runtime that has WebSockets has this; declared here because the package is built without any runtime's types.
declare const TextEncoder: new () => {
  encodeInto(text: string, bytes: Uint8Array): { written: number }
}

const TWO_TO_32 = 0x1_0000_0000
const MIN_INT64 = -(2n ** 63n)
const MAX_UINT64 = 2n ** 64n - 1n

const INITIAL_BYTES = 4_096
/** A larger buffer is given back after use, so that one big frame does not occupy memory for ever. */
const KEPT_BYTES = 1_048_576

/** Below this, a loop beats the call into TextEncoder. */
const SHORT_TEXT = 40

/**
 * Makes an encoder of JSON values as MessagePack. Integers take the narrowest form, up to int64 and uint64;
 * other numbers are float64 (spec/wire.md §2.2). It keeps its buffer from call to call and returns copies.
 * @throws FrameError for NaN, infinities, integers beyond 64 bits, unpaired surrogates, nesting beyond
 *   {@link MAX_FRAME_DEPTH}, and anything that is no JSON.
 */
export function createMsgpackEncoder(): (value: JsonValue) => Uint8Array {
  let bytes = new Uint8Array(INITIAL_BYTES)
  let view = new DataView(bytes.buffer)
  let at = 0
  const utf8 = new TextEncoder()

  return (value) => {
    at = 0
    write(value, 0)
    const encoded = bytes.slice(0, at)
    if (bytes.length > KEPT_BYTES) resize(INITIAL_BYTES)
    return encoded
  }

  function write(value: JsonValue, depth: number): void {
    switch (typeof value) {
      case 'string':
        writeText(value)
        break
      case 'number':
        if (Number.isSafeInteger(value)) writeInteger(value)
        else writeFloat(value)
        break
      case 'boolean':
        writeByte(value ? 0xc3 : 0xc2)
        break
      case 'bigint':
        writeBigint(value)
        break
      case 'object':
        if (value === null) writeByte(0xc0)
        else writeContainer(value, depth)
        break
      default:
        throw new FrameError(`A value of type ${typeof value} cannot be sent; frames carry JSON only.`)
    }
  }

  function writeContainer(value: JsonValue[] | { [key: string]: JsonValue }, depth: number): void {
    if (depth >= MAX_FRAME_DEPTH) {
      throw new FrameError(`A value nested more than ${MAX_FRAME_DEPTH} deep cannot be sent.`)
    }
    if (Array.isArray(value)) writeArray(value, depth)
    else writeMap(value, depth)
  }

  function writeArray(array: readonly JsonValue[], depth: number): void {
    writeSize(array.length, 0x90, 0xdc)
    for (const item of array) write(item, depth + 1)
  }

  function writeMap(map: { readonly [key: string]: JsonValue }, depth: number): void {
    const keys = Object.keys(map)
    writeSize(keys.length, 0x80, 0xde)
    for (const key of keys) {
      writeText(key)
      // A key that was just listed is there.
      write(map[key] as JsonValue, depth + 1)
    }
  }

  function writeSize(size: number, fix: number, wide: number): void {
    reserve(5)
    if (size < 16) bytes[at++] = fix | size
    else if (size < 0x1_0000) writeHead(wide, 2, size)
    else writeHead(wide + 1, 4, size)
  }

  function writeText(text: string): void {
    reserve(5 + text.length * 3)
    if (text.length < SHORT_TEXT && writeAscii(text)) return
    if (!isWellFormed(text))
      throw new FrameError('A text with an unpaired surrogate has no UTF-8 form and cannot be sent.')
    // The head is as wide as ASCII would need, and the text moves up when it turns out to be longer.
    const guess = textHeadSize(text.length)
    const { written } = utf8.encodeInto(text, bytes.subarray(at + guess))
    const head = textHeadSize(written)
    if (head !== guess) bytes.copyWithin(at + head, at + guess, at + guess + written)
    writeTextHead(written)
    at += written
  }

  function writeAscii(text: string): boolean {
    const start = at
    writeTextHead(text.length)
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) {
        at = start
        return false
      }
      bytes[at++] = unit
    }
    return true
  }

  function writeTextHead(size: number): void {
    if (size < 32) bytes[at++] = 0xa0 | size
    else if (size < 0x100) writeHead(0xd9, 1, size)
    else if (size < 0x1_0000) writeHead(0xda, 2, size)
    else writeHead(0xdb, 4, size)
  }

  function writeInteger(value: number): void {
    reserve(9)
    if (value >= 0) {
      if (value < 0x80) bytes[at++] = value
      else if (value < 0x100) writeHead(0xcc, 1, value)
      else if (value < 0x1_0000) writeHead(0xcd, 2, value)
      else if (value < TWO_TO_32) writeHead(0xce, 4, value)
      else writeInt64(0xcf, value)
    } else if (value >= -0x20) bytes[at++] = value & 0xff
    else if (value >= -0x80) writeHead(0xd0, 1, value & 0xff)
    else if (value >= -0x8000) writeHead(0xd1, 2, value & 0xffff)
    else if (value >= -0x8000_0000) writeHead(0xd2, 4, value >>> 0)
    else writeInt64(0xd3, value)
  }

  function writeInt64(code: number, value: number): void {
    const high = Math.floor(value / TWO_TO_32)
    bytes[at] = code
    view.setInt32(at + 1, high)
    view.setUint32(at + 5, value - high * TWO_TO_32)
    at += 9
  }

  function writeBigint(value: bigint): void {
    if (value < MIN_INT64 || value > MAX_UINT64) {
      throw new FrameError(
        `The integer ${value} does not fit into 64 bits and cannot be sent as MessagePack.`,
      )
    }
    const number = Number(value)
    if (Number.isSafeInteger(number)) writeInteger(number)
    else writeBigint64(value)
  }

  function writeBigint64(value: bigint): void {
    reserve(9)
    bytes[at] = value < 0n ? 0xd3 : 0xcf
    view.setBigUint64(at + 1, BigInt.asUintN(64, value))
    at += 9
  }

  function writeFloat(value: number): void {
    if (!Number.isFinite(value)) throw new FrameError(`${value} cannot be sent; JSON has no form for it.`)
    reserve(9)
    bytes[at] = 0xcb
    view.setFloat64(at + 1, value)
    at += 9
  }

  /** A type byte and an unsigned number of 1, 2 or 4 bytes after it. */
  function writeHead(code: number, width: 1 | 2 | 4, value: number): void {
    bytes[at] = code
    if (width === 1) view.setUint8(at + 1, value)
    else if (width === 2) view.setUint16(at + 1, value)
    else view.setUint32(at + 1, value)
    at += 1 + width
  }

  function writeByte(byte: number): void {
    reserve(1)
    bytes[at++] = byte
  }

  function reserve(size: number): void {
    if (at + size > bytes.length) resize(Math.max(bytes.length * 2, at + size))
  }

  function resize(size: number): void {
    const larger = new Uint8Array(size)
    larger.set(bytes.subarray(0, Math.min(at, size)))
    bytes = larger
    view = new DataView(bytes.buffer)
  }
}

function textHeadSize(size: number): number {
  return size < 32 ? 1 : size < 0x100 ? 2 : size < 0x1_0000 ? 3 : 5
}
