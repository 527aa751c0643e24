import { equalValues, type Pattern, parsePath, parsePattern, stringifyJson } from '@dustlayer/protocol'
import {
  type EntryData,
  type EventMode,
  type FoldedLeaf,
  type FoldState,
  foldEvent,
  type Replica,
  wantsEvent,
} from '@dustlayer/replica'
import { Violation } from '../violation.js'

/** I4: who folds the events that it is told has what a fresh listing gives. */
export interface EventChecks {
  /** A process has opened the replica: new subscribers take what is there and listen from now on. */
  opened(replica: Replica): void
  /** @throws Violation when a subscriber has something else than the replica. */
  check(replica: Replica): void
}

interface Subscriber {
  readonly mode: EventMode
  readonly pattern: Pattern
  readonly text: string
  matches(path: string): boolean
  state: FoldState
}

/** All leaves by path. */
type Listing = ReadonlyMap<string, FoldedLeaf>

const SUBSCRIPTIONS: readonly (readonly [mode: EventMode, pattern: string])[] = [
  ['all', '**'],
  ['committed', '**'],
  ['all', 'a/**'],
  ['all', 'a/*'],
  ['committed', 'a/*'],
  ['all', 'a/b/c'],
  ['all', '*'],
]

const EVERYTHING = parsePattern('**')

export function createEventChecks(client: number): EventChecks {
  let subscribers: Subscriber[] = []
  const matchers = new Map(SUBSCRIPTIONS.map(([, text]) => [text, createMatcher(parsePattern(text))]))

  return {
    opened(replica) {
      const listings = listingsOf(replica)
      const mine = SUBSCRIPTIONS.map(([mode, text]): Subscriber => {
        const matches = matchers.get(text) ?? (() => true)
        const pattern = parsePattern(text)
        return { mode, text, pattern, matches, state: matching(listings(mode), matches) }
      })
      subscribers = mine
      replica.onEvents((events, { incomplete }) => {
        for (const subscriber of mine) {
          const { mode, pattern, matches } = subscriber
          if (incomplete) subscriber.state = matching(listingsOf(replica)(mode), matches)
          for (const event of events) {
            if (!matches(event.path) || !wantsEvent(mode, event, pattern)) continue
            subscriber.state = foldEvent(subscriber.state, event, pattern)
          }
        }
      })
    },
    check(replica) {
      const listings = listingsOf(replica)
      for (const { mode, text, state, matches } of subscribers) {
        const expected = matching(listings(mode), matches)
        if (same(expected, state)) continue
        throw new Violation(
          'I4',
          `At client ${client}, who folds the events of ${text} in mode ${mode} has something else than a listing.\nExpected:\n${describe(expected)}\nFound:\n${describe(state)}`,
        )
      }
    },
  }
}

/** The few paths of a simulation are asked about again and again. */
function createMatcher(pattern: Pattern): (path: string) => boolean {
  const known = new Map<string, boolean>()
  return (path) => {
    let matches = known.get(path)
    if (matches === undefined) {
      matches = pattern.matches(parsePath(path))
      known.set(path, matches)
    }
    return matches
  }
}

/** Both listings of this moment, each read when it is first wanted. */
function listingsOf(replica: Replica): (mode: EventMode) => Listing {
  let visible: Listing | undefined
  let confirmed: Listing | undefined
  return (mode) => {
    if (mode === 'committed') {
      confirmed ??= toListing(replica.enumConfirmed(EVERYTHING).items as EntryData[])
      return confirmed
    }
    visible ??= toListing(replica.enum(EVERYTHING).items as EntryData[])
    return visible
  }
}

function toListing(entries: readonly EntryData[]): Listing {
  return new Map(entries.map(({ path, value, type }) => [path, { value, type }]))
}

function matching(listing: Listing, matches: (path: string) => boolean): FoldState {
  return new Map([...listing].filter(([path]) => matches(path)))
}

function same(a: FoldState, b: FoldState): boolean {
  if (a.size !== b.size) return false
  for (const [path, { value, type }] of a) {
    const other = b.get(path)
    if (!other || other.type !== type || !equalValues(other.value, value)) return false
  }
  return true
}

function describe(state: FoldState): string {
  return [...state]
    .map(([path, { value, type }]) => `${path} = ${stringifyJson(value)} (${type})`)
    .sort()
    .join('\n')
}
