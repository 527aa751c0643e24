import { FrameError } from './errors.js'
import { type JsonValue, setOwn } from './json.js'
import { timestampEnvelope } from './msgpack-timestamp.js'
import { decodeUtf8 } from './utf8.js'

/** Frames nested deeper are refused in both directions: they could exhaust the stack of whoever reads them. */
export const MAX_FRAME_DEPTH = 512

const TWO_TO_32 = 0x1_0000_0000
const TIMESTAMP = -1

/** Below this, a loop beats the call into TextDecoder. */
const SHORT_TEXT = 24

/**
 * Decodes one MessagePack value. Integers are exact (bigints beyond ±(2^53 - 1)), `bin` is text, and a timestamp
 * becomes the datetime envelope (spec/wire.md §2.2). Memory is taken for what is there, never for what a length
 * promises.
 * @throws FrameError for anything else: cut off or trailing bytes, ill-formed UTF-8, keys that are no text, NaN and
 *   infinities, other extension types, nesting beyond {@link MAX_FRAME_DEPTH}.
 */
export function decodeMsgpack(bytes: Uint8Array): JsonValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const value = read(0)
  if (at < bytes.length) throw new FrameError(`MessagePack has ${bytes.length - at} bytes too many.`)
  return value

  function read(depth: number): JsonValue {
    const code = readUint(1)
    if (code < 0x80) return code
    if (code < 0x90) return readMap(code & 0x0f, depth)
    if (code < 0xa0) return readArray(code & 0x0f, depth)
    if (code < 0xc0) return readText(code & 0x1f)
    if (code >= 0xe0) return code - 0x100
    switch (code) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xd9:
        return readText(readUint(1))
      case 0xc5:
      case 0xda:
        return readText(readUint(2))
      case 0xc6:
      case 0xdb:
        return readText(readUint(4))
      case 0xc7:
        return readExtension(readUint(1))
      case 0xc8:
        return readExtension(readUint(2))
      case 0xc9:
        return readExtension(readUint(4))
      case 0xca:
        return finite(view.getFloat32(take(4)))
      case 0xcb:
        return finite(view.getFloat64(take(8)))
      case 0xcc:
        return readUint(1)
      case 0xcd:
        return readUint(2)
      case 0xce:
        return readUint(4)
      case 0xcf:
        return readUint64()
      case 0xd0:
        return view.getInt8(take(1))
      case 0xd1:
        return view.getInt16(take(2))
      case 0xd2:
        return view.getInt32(take(4))
      case 0xd3:
        return readInt64()
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return readExtension(2 ** (code - 0xd4))
      case 0xdc:
        return readArray(readUint(2), depth)
      case 0xdd:
        return readArray(readUint(4), depth)
      case 0xde:
        return readMap(readUint(2), depth)
      case 0xdf:
        return readMap(readUint(4), depth)
      default:
        throw new FrameError(`MessagePack has no type 0x${code.toString(16)}.`)
    }
  }

  function readArray(size: number, depth: number): JsonValue[] {
    enter(depth)
    need(size)
    const array: JsonValue[] = []
    for (let i = 0; i < size; i++) array.push(read(depth + 1))
    return array
  }

  function readMap(size: number, depth: number): { [key: string]: JsonValue } {
    enter(depth)
    need(size * 2)
    const map: { [key: string]: JsonValue } = {}
    for (let i = 0; i < size; i++) {
      const key = read(depth + 1)
      if (typeof key !== 'string') throw new FrameError('A MessagePack map has a key that is no text.')
      setOwn(map, key, read(depth + 1))
    }
    return map
  }

  function readText(size: number): string {
    const start = take(size)
    if (size < SHORT_TEXT) {
      let text = ''
      for (let i = start; i < at; i++) {
        // take() has checked that these bytes are there.
        const byte = bytes[i] as number
        if (byte >= 0x80) return decodeUtf8(bytes.subarray(start, at))
        text += String.fromCharCode(byte)
      }
      return text
    }
    return decodeUtf8(bytes.subarray(start, at))
  }

  function readExtension(size: number): JsonValue {
    const type = view.getInt8(take(1))
    const start = take(size)
    if (type === TIMESTAMP)
      return timestampEnvelope(new DataView(bytes.buffer, bytes.byteOffset + start, size))
    throw new FrameError(`MessagePack extension ${type} has no meaning in Dust.`)
  }

  function readUint(width: 1 | 2 | 4): number {
    const start = take(width)
    if (width === 1) return view.getUint8(start)
    return width === 2 ? view.getUint16(start) : view.getUint32(start)
  }

  function readUint64(): number | bigint {
    const start = take(8)
    const number = view.getUint32(start) * TWO_TO_32 + view.getUint32(start + 4)
    return Number.isSafeInteger(number) ? number : view.getBigUint64(start)
  }

  function readInt64(): number | bigint {
    const start = take(8)
    const number = view.getInt32(start) * TWO_TO_32 + view.getUint32(start + 4)
    return Number.isSafeInteger(number) ? number : view.getBigInt64(start)
  }

  function enter(depth: number): void {
    if (depth >= MAX_FRAME_DEPTH)
      throw new FrameError(`MessagePack is nested more than ${MAX_FRAME_DEPTH} deep.`)
  }

  function take(size: number): number {
    need(size)
    const start = at
    at += size
    return start
  }

  /** Each element takes a byte at least, so this also refuses counts that cannot be true. */
  function need(size: number): void {
    if (size > bytes.length - at) throw new FrameError('MessagePack is cut off.')
  }
}

function finite(value: number): number {
  if (!Number.isFinite(value))
    throw new FrameError(`MessagePack has the float ${value}, which JSON has no form for.`)
  return value
}
