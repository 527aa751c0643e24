import type { EntryType } from './value.js'

/**
 * A 64-bit sum over entries, as its high and low 32 bits. It does not depend on their order, and an entry can be
 * taken out again, so who writes entries can keep it up to date (docs/decisions/0060-digest.md).
 */
export type Digest = readonly [high: number, low: number]

/** The digest of no entries. */
export const EMPTY_DIGEST: Digest = [0, 0]

/** The digest of one entry. `valueText` is what stringifyJson makes of its value. */
export function entryDigest(path: string, type: EntryType, seq: number, valueText: string): Digest {
  // The length tells where the path ends, whatever characters it has.
  const text = `${path.length}:${path}${type}:${seq}:${valueText}`
  let a = 0x811c9dc5
  let b = 0x9747b28c
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x9e3779b1)
    b = Math.imul(b ^ unit, 0x85ebca77)
  }
  // Each half depends on both lanes: what cancels out in one is told apart by the other.
  a = finish(a ^ text.length)
  b = finish(b ^ a)
  return [finish(a ^ b), b]
}

/** The digest of the entries of both. */
export function addDigest(a: Digest, b: Digest): Digest {
  const low = a[1] + b[1]
  return [(a[0] + b[0] + (low > MAX_UINT ? 1 : 0)) >>> 0, low >>> 0]
}

/** The digest of the entries of `a` without those of `b`. */
export function subtractDigest(a: Digest, b: Digest): Digest {
  const low = a[1] - b[1]
  return [(a[0] - b[0] - (low < 0 ? 1 : 0)) >>> 0, low >>> 0]
}

/** As it is sent and stored: 16 hex digits. */
export function digestText([high, low]: Digest): string {
  return hex(high) + hex(low)
}

/** Of what {@link digestText} has written. */
export function parseDigest(text: string): Digest {
  return [Number.parseInt(text.slice(0, 8), 16), Number.parseInt(text.slice(8), 16)]
}

const MAX_UINT = 0xffff_ffff

/** Lets every bit of the input change every bit of the result with even chances (the finaliser of MurmurHash3). */
function finish(hash: number): number {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0')
}
