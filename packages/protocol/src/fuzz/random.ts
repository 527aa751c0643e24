/** A source of randomness that repeats itself: the same seed gives the same numbers. */
export interface Random {
  /** From 0 to `end`, excluded. */
  below(end: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
}

/** A seeded generator (mulberry32): small, fast, and good enough to make up inputs. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
  return {
    below: (end) => Math.floor(next() * end),
    chance: (probability) => next() < probability,
    // Callers pass lists that are not empty.
    pick: (items) => items[Math.floor(next() * items.length)] as (typeof items)[number],
  }
}
