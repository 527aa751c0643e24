/** Numbers that look random and are the same ones for the same seed. */
export interface Random {
  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
}

/** `parts` make independent sources of one seed. */
export function createRandom(seed: number, ...parts: readonly number[]): Random {
  let state = parts.reduce((mixed, part) => scramble(mixed ^ scramble(part + 0x9e3779b9)), scramble(seed))
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0
    return (scramble(state) >>> 0) / 2 ** 32
  }
  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1))
  return {
    int,
    chance: (probability) => next() < probability,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new RangeError('There is nothing to pick from.')
      // The list is not empty, and the index is within it.
      return items[int(0, items.length - 1)] as T
    },
  }
}

/** The finalizer of MurmurHash3: every bit of the input changes about half of those of the output. */
function scramble(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}
