import type { Random } from './random.js'

/** Headers of MessagePack that promise a length, followed by the largest there is. */
const PROMISES: readonly (readonly number[])[] = [
  [0xdd, 0xff, 0xff, 0xff, 0xff],
  [0xdf, 0xff, 0xff, 0xff, 0xff],
  [0xdb, 0xff, 0xff, 0xff, 0xff],
  [0xc6, 0x7f, 0xff, 0xff, 0xff],
  [0xc9, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xdc, 0xff, 0xff],
  [0xde, 0xff, 0xff],
  [0xc7, 0x0c, 0xff],
  [0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
  [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
]

const TOKENS = [
  ...'[]{},:"\\ \n0-.eE',
  'null',
  'true',
  '1e999',
  '-0',
  '9007199254740993',
  `${'9'.repeat(400)}`,
  '\\ud800',
  '\\u0000',
  '"__proto__"',
  '"constructor":',
  '[[[[[[[[',
  '{"a":{"a":',
]

/** Bytes without any plan, with a liking for those that open containers. */
export function randomBytes(random: Random, maxLength: number): Uint8Array {
  return Uint8Array.from({ length: random.below(maxLength) }, () =>
    random.chance(0.3) ? 0x80 + random.below(0x60) : random.below(0x100),
  )
}

/** Some bytes of a valid frame changed, left out, repeated, or replaced by a part of another or a false promise. */
export function mutateBytes(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  let mutated = [...bytes]
  for (let n = 1 + random.below(4); n > 0; n--) {
    const at = random.below(mutated.length + 1)
    const length = random.below(random.pick([1, 2, 8, 64]))
    mutated = random.pick([
      () => mutated.map((byte, i) => (i === at ? byte ^ (1 << random.below(8)) : byte)),
      () => mutated.map((byte, i) => (i === at ? random.below(0x100) : byte)),
      () => mutated.slice(0, at),
      () => splice(mutated, at, length, []),
      () => splice(mutated, at, 0, mutated.slice(at, at + length)),
      () => splice(mutated, at, length, slice(random, other)),
      () => splice(mutated, at, random.below(2), random.pick(PROMISES)),
    ])()
  }
  return Uint8Array.from(mutated)
}

/** The same for text, with tokens of JSON in place of promises. */
export function mutateText(random: Random, text: string, other: string): string {
  let mutated = text
  for (let n = 1 + random.below(4); n > 0; n--) {
    const at = random.below(mutated.length + 1)
    const end = at + random.below(random.pick([1, 2, 8, 64]))
    const from = random.below(other.length)
    const inserted = random.pick([
      () => '',
      () => random.pick(TOKENS),
      () => String.fromCharCode(random.below(0x1_0000)),
      () => mutated.slice(at, end).repeat(2),
      () => other.slice(from, from + random.below(64)),
    ])()
    mutated = random.chance(0.1) ? mutated.slice(0, at) : mutated.slice(0, at) + inserted + mutated.slice(end)
  }
  return mutated
}

function slice(random: Random, bytes: Uint8Array): readonly number[] {
  const from = random.below(bytes.length)
  return [...bytes.subarray(from, from + random.below(64))]
}

function splice(
  bytes: readonly number[],
  at: number,
  removed: number,
  inserted: readonly number[],
): number[] {
  return [...bytes.slice(0, at), ...inserted, ...bytes.slice(at + removed)]
}
