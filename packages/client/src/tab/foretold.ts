import type { CameTrue, Foretelling, Position, RoutedEvent } from './news.js'

/** What a tab was foretold and does not know yet to have come true. */
export interface Foretold {
  note(foretelling: Foretelling): void
  /** Puts the events of those that came true in their place, and forgets them. */
  reveal(events: readonly (RoutedEvent | CameTrue)[]): readonly RoutedEvent[]
  /** Where these stores stand is known: what was foretold of them before has come true and was told, or never will. */
  settle(positions: readonly Position[]): void
  /** Oldest first. */
  readonly open: readonly Omit<Foretelling, 'events'>[]
}

export function createForetold(): Foretold {
  const foretold = new Map<string, Foretelling>()

  const take = (id: string): readonly RoutedEvent[] => {
    const events = foretold.get(id)?.events ?? []
    foretold.delete(id)
    return events
  }

  return {
    note(foretelling) {
      foretold.set(foretelling.id, foretelling)
    },
    reveal: (events) => events.flatMap((one) => ('foretold' in one ? take(one.foretold) : [one])),
    settle(positions) {
      const stores = new Set(positions.map(({ store }) => store))
      for (const { id, store } of foretold.values()) if (stores.has(store)) foretold.delete(id)
    },
    get open() {
      return Array.from(foretold.values(), ({ events: _, ...head }) => head)
    },
  }
}

/**
 * Which of the foretellings have led from one position to the other, oldest first. Undefined when they have not: there
 * is something between that nobody foretold.
 */
export function cameTrue(
  from: string | undefined,
  foretold: readonly Omit<Foretelling, 'events'>[],
  at: string,
): readonly string[] | undefined {
  const ids: string[] = []
  let reached = at
  for (const one of [...foretold].reverse()) {
    if (reached === from) break
    // One that was rolled back leads nowhere.
    if (one.at !== reached) continue
    ids.unshift(one.id)
    reached = one.from
  }
  return reached === from ? ids : undefined
}
