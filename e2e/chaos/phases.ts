import type { Phase, PhaseKind } from './schedule.js'

export type Scale = 'short' | 'long'

/** Phases are kept small, so that each has a store whose whole log can be compared, and a browser of its own. */
const PARTS: {
  readonly [scale in Scale]: { readonly [kind in PhaseKind]: readonly [phases: number, rounds: number] }
} = {
  short: { leaders: [1, 10], browsers: [1, 4], servers: [1, 4], mixes: [1, 8] },
  long: { leaders: [5, 44], browsers: [2, 22], servers: [2, 22], mixes: [4, 25] },
}

const TABS: { readonly [kind in PhaseKind]: number } = { leaders: 4, browsers: 2, servers: 2, mixes: 3 }

export function phasesOf(scale: Scale): readonly Phase[] {
  // The keys of PARTS are the kinds.
  const kinds = Object.entries(PARTS[scale]) as [PhaseKind, readonly [number, number]][]
  return kinds.flatMap(([kind, [phases, rounds]]) =>
    Array.from({ length: phases }, (_, index) => ({
      id: `${kind}-${index + 1}`,
      kind,
      rounds,
      tabs: TABS[kind],
    })),
  )
}
