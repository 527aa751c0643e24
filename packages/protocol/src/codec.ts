import { FrameError } from './errors.js'
import { type Frame, parseFrame } from './frame.js'
import { type JsonValue, parseJson, stringifyJson } from './json.js'
import { decodeMsgpack, MAX_FRAME_DEPTH } from './msgpack-decode.js'
import { createMsgpackEncoder } from './msgpack-encode.js'
import { decodeUtf8 } from './utf8.js'
import { isWellFormed } from './well-formed.js'

/** Turns frames into messages of a WebSocket and back (spec/wire.md §2). */
export interface Codec {
  /** The `vsn` of the connection that asks for this codec. */
  readonly vsn: '2.0.0' | '3.0.0'
  /**
   * Text is to be sent as a text message, bytes as a binary one.
   * @throws FrameError for what cannot be sent: an unpaired surrogate, nesting too deep; in MessagePack also NaN,
   *   infinities and integers beyond 64 bits. (JSON has no such integers to refuse, and writes null for NaN.)
   */
  encode(frame: Frame): string | Uint8Array
  /** @throws FrameError, and no other error, for anything that is not a frame. */
  decode(data: string | Uint8Array | ArrayBuffer): Frame
}

/** `vsn` 2.0.0: JSON. Integers keep all their digits. Bytes are decoded as the UTF-8 of a text. */
export const jsonCodec: Codec = {
  vsn: '2.0.0',
  encode: encodeJson,
  decode: (data) => decodeJson(typeof data === 'string' ? data : decodeUtf8(toBytes(data))),
}

/**
 * `vsn` 3.0.0: MessagePack in binary messages; a text is decoded as JSON. One for each connection or thread: it
 * keeps a buffer between calls.
 */
export function createMsgpackCodec(): Codec {
  const encodeMsgpack = createMsgpackEncoder()
  return {
    vsn: '3.0.0',
    // A frame is a JSON value in all but its readonly type.
    encode: (frame) => encodeMsgpack(frame as unknown as JsonValue),
    decode: (data) =>
      typeof data === 'string' ? decodeJson(data) : parseFrame(decodeMsgpack(toBytes(data))),
  }
}

/** What JSON.stringify writes for an unpaired surrogate: an escape whose backslash is not itself escaped. */
const SURROGATE_ESCAPE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/

function encodeJson(frame: Frame): string {
  const text = stringifyFrame(frame)
  if (text.includes('\\ud') && SURROGATE_ESCAPE.test(text)) {
    throw new FrameError('A text with an unpaired surrogate has no UTF-8 form and cannot be sent.')
  }
  return text
}

function stringifyFrame(frame: Frame): string {
  try {
    // A frame is a JSON value in all but its readonly type.
    return stringifyJson(frame as unknown as JsonValue)
  } catch (cause) {
    throw new FrameError('The frame cannot be written as JSON.', { cause })
  }
}

// Texts that could hold what JSON.parse lets through and we do not: surrogate escapes and numbers beyond doubles.
const LARGE_EXPONENT = /[eE]\+?\d\d\d/
const MANY_DIGITS = new RegExp('\\d'.repeat(200))

function isSuspect(text: string): boolean {
  return text.includes('\\u') || LARGE_EXPONENT.test(text) || MANY_DIGITS.test(text)
}

function decodeJson(text: string): Frame {
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch (cause) {
    throw new FrameError('The message is not JSON.', { cause })
  }
  // Too short a text cannot be too deep. The depth comes first, so that the other check may recurse.
  if (text.length > MAX_FRAME_DEPTH * 2) checkDepth(value, 0)
  if (isSuspect(text)) checkScalars(value)
  return parseFrame(value)
}

function checkDepth(value: JsonValue, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth >= MAX_FRAME_DEPTH)
    throw new FrameError(`The message is nested more than ${MAX_FRAME_DEPTH} deep.`)
  for (const inner of Array.isArray(value) ? value : Object.values(value)) checkDepth(inner, depth + 1)
}

function checkScalars(value: JsonValue): void {
  if (typeof value === 'string') {
    if (!isWellFormed(value)) throw new FrameError('The message has an unpaired surrogate in a text.')
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new FrameError('The message has a number beyond the range of doubles.')
  } else if (typeof value === 'object' && value !== null) {
    if (!Array.isArray(value)) Object.keys(value).forEach(checkScalars)
    Object.values(value).forEach(checkScalars)
  }
}

function toBytes(data: Uint8Array | ArrayBuffer): Uint8Array {
  return data instanceof Uint8Array ? data : new Uint8Array(data)
}
