import {
  createPatternIndex,
  type EntryType,
  type JsonValue,
  type Pattern,
  parsePath,
  parsePattern,
} from '@dustlayer/protocol'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { type FoldState, foldEvent } from './fold-event.js'
import { type EventMode, interestOf, wantsEvent } from './interest.js'
import type { Replica } from './replica.js'
import { anyStep } from './testing/random-steps.js'
import { createRun, type RunOptions, type Step } from './testing/run.js'
import type { EntryData } from './visible.js'

// Every run counts, also on a machine that has much else to do.
vi.setConfig({ testTimeout: 180_000 })

const PATTERNS = ['**', '*', 'a', 'a/*', 'a/b', 'a/**', '*/b', 'a/*/c', '*/*/*', 'b/**', 'a/b/c', 'none/*']

interface Follower {
  readonly pattern: Pattern
  readonly mode: EventMode
}

const follower: fc.Arbitrary<Follower> = fc.record({
  pattern: fc.constantFrom(...PATTERNS).map(parsePattern),
  mode: fc.constantFrom<EventMode>('all', 'committed'),
})

/** The leaves whose paths match, read anew. */
function present(replica: Replica, { pattern, mode }: Follower): FoldState {
  const everything = parsePattern('**')
  const { items } = mode === 'all' ? replica.enum(everything) : replica.enumConfirmed(everything)
  const leaves = (items as readonly EntryData[]).filter(({ path }) => pattern.matches(parsePath(path)))
  return new Map(leaves.map(({ path, value, type }) => [path, { value, type }]))
}

type Row = readonly [path: string, value: JsonValue, type: EntryType]

const rows = (state: FoldState): Row[] =>
  Array.from(state, ([path, { value, type }]): Row => [path, value, type]).sort(([a], [b]) =>
    a < b ? -1 : a > b ? 1 : 0,
  )

/** Folds the events of whichever replica is open for each follower; `check` compares with what is there. */
function createFollowers(followers: readonly Follower[]) {
  let states: FoldState[] = []
  let current: Replica | undefined

  const check = (): void => {
    if (!current) return
    for (const [i, each] of followers.entries()) {
      const at = `${each.mode} ${JSON.stringify(each.pattern.source)}`
      expect([at, rows(states[i] as FoldState)]).toEqual([at, rows(present(current, each))])
    }
  }

  const opened = (replica: Replica): void => {
    current = replica
    states = followers.map((each) => present(replica, each))
    replica.onEvents((events, { incomplete }) => {
      expect(incomplete).toBe(false)
      states = states.map((state, i) => {
        const { mode, pattern } = followers[i] as Follower
        const told = events.filter(
          (event) => pattern.matches(parsePath(event.path)) && wantsEvent(mode, event, pattern),
        )
        return told.reduce<FoldState>((folded, event) => foldEvent(folded, event, pattern), state)
      })
      check()
    })
  }

  return { opened, check }
}

function expectFoldsToHold(
  followers: readonly Follower[],
  steps: readonly Step[],
  options: Omit<RunOptions, 'opened'>,
): void {
  const { opened, check } = createFollowers(followers)
  const run = createRun({ ...options, opened })
  for (const action of steps) {
    run.perform(action)
    check()
  }
  run.settle()
  check()
  run.driver.close()
}

const followers = fc.array(follower, { minLength: 1, maxLength: 6 })
const steps = fc.array(anyStep, { maxLength: 40 })

describe('I4: who folds the events for a mode and a pattern has at every flush what a listing returns', () => {
  it('where the replica is told what somebody is interested in', () => {
    fc.assert(
      fc.property(followers, steps, fc.boolean(), (those, happening, batches) => {
        const index = createPatternIndex<Pattern>()
        for (const { pattern } of those) index.add(pattern, pattern)
        const interest = interestOf(index, (pattern) => pattern)
        expectFoldsToHold(those, happening, { batches, interest })
      }),
      { numRuns: 1_000 },
    )
  })

  it('where it tells everything', () => {
    fc.assert(
      fc.property(followers, steps, fc.boolean(), (those, happening, batches) =>
        expectFoldsToHold(those, happening, { batches }),
      ),
      { numRuns: 500 },
    )
  })
})
