import type { Hello } from '../tab/tab-protocol.js'
import type { Registrations } from './hosted-store.js'

/** What a tab has registered with each store that it uses; it may be thousands of things. */
export function byStore(hello: Hello): Map<string, Registrations> {
  const subscriptions = grouped(hello.subscriptions)
  const liveQueries = grouped(hello.liveQueries)
  const statusWatches = grouped(hello.statusWatches)
  const awaited = grouped(hello.awaited)
  const foretold = grouped(hello.foretold)
  const seen = new Map(hello.seen.map((position) => [position.store, position]))
  const stores = new Set(
    [subscriptions, liveQueries, statusWatches, awaited].flatMap((group) => [...group.keys()]),
  )
  return new Map(
    Array.from(stores, (store) => [
      store,
      {
        subscriptions: subscriptions.get(store) ?? [],
        liveQueries: liveQueries.get(store) ?? [],
        statusWatches: statusWatches.get(store) ?? [],
        awaited: awaited.get(store) ?? [],
        seen: seen.get(store),
        foretold: foretold.get(store) ?? [],
      },
    ]),
  )
}

function grouped<T extends { readonly store: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(item.store)
    if (group) group.push(item)
    else groups.set(item.store, [item])
  }
  return groups
}
