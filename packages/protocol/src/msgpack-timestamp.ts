import { FrameError } from './errors.js'
import type { JsonValue } from './json.js'

const TWO_TO_32 = 0x1_0000_0000
const NANOSECONDS = 1_000_000_000

/** 0001-01-01 and 10000-01-01 in epoch seconds: ISO 8601 has no plain form for years outside. */
const FIRST_SECOND = -62_135_596_800
const END_SECOND = 253_402_300_800

/**
 * The datetime envelope for a MessagePack timestamp (extension type -1) of 4, 8 or 12 bytes, in UTC.
 * @throws FrameError when it is malformed, or outside the years 1 to 9999.
 */
export function timestampEnvelope(data: DataView): JsonValue {
  const { seconds, nanoseconds } = readTimestamp(data)
  if (nanoseconds >= NANOSECONDS || seconds < FIRST_SECOND || seconds >= END_SECOND) {
    throw new FrameError('A MessagePack timestamp is out of range.')
  }
  const whole = new Date(seconds * 1_000).toISOString().slice(0, 19)
  return { _typed: `${whole}${fraction(nanoseconds)}Z`, _type: 'datetime' }
}

function readTimestamp(data: DataView): { seconds: number; nanoseconds: number } {
  switch (data.byteLength) {
    case 4:
      return { seconds: data.getUint32(0), nanoseconds: 0 }
    case 8: {
      // 30 bits of nanoseconds, then 34 bits of seconds.
      const high = data.getUint32(0)
      return { seconds: (high & 0b11) * TWO_TO_32 + data.getUint32(4), nanoseconds: high >>> 2 }
    }
    case 12:
      return { seconds: data.getInt32(4) * TWO_TO_32 + data.getUint32(8), nanoseconds: data.getUint32(0) }
    default:
      throw new FrameError(`A MessagePack timestamp has ${data.byteLength} bytes instead of 4, 8 or 12.`)
  }
}

/** Milli-, micro- or nanoseconds, whichever loses nothing. */
function fraction(nanoseconds: number): string {
  if (nanoseconds === 0) return ''
  const digits = String(nanoseconds).padStart(9, '0')
  return `.${digits.replace(/^(\d{3}|\d{6})0+$/, (_, kept: string) => kept)}`
}
