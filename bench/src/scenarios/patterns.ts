import { createPatternIndex, type Pattern, parsePath, parsePattern, type Segments } from '@dustlayer/protocol'
import { createRounds } from './rounds.js'
import type { Scenario } from './scenario.js'

const COUNT = 10_000
const INDEX = 'pattern index'
const FEW = 'index of only those that match'
const EACH = 'testing each pattern'

/** Finds how many of its patterns match. */
type Matcher = (segments: Segments) => number

/** As an app would have them: a view for each of many cards, some lists, and a few that see everything. */
function patternsOf(count: number): Pattern[] {
  return Array.from({ length: count }, (_, i) => {
    const board = i % 100
    if (i < 5) return parsePattern('**')
    if (i < 105) return parsePattern(`boards/${board}/*`)
    if (i < 205) return parsePattern(`boards/${board}/**`)
    return parsePattern(i % 2 === 0 ? `boards/${board}/card-${i}` : `boards/${board}/card-${i}/*`)
  })
}

function pathsOf(patterns: number): Segments[] {
  return Array.from({ length: 500 }, (_, i) => {
    const card = 206 + ((i * 97) % (patterns - 206))
    return parsePath(`boards/${card % 100}/card-${card}${i % 2 === 0 ? '' : '/title'}`)
  })
}

function indexOf(patterns: readonly Pattern[]): Matcher {
  const index = createPatternIndex<number>()
  for (const [i, pattern] of patterns.entries()) index.add(pattern, i)
  return (segments) => index.match(segments).length
}

const each =
  (patterns: readonly Pattern[]): Matcher =>
  (segments) =>
    patterns.filter((pattern) => pattern.matches(segments)).length

/** One index for each path, with nothing in it that the path does not match. */
function indexesOfMatching(patterns: readonly Pattern[], paths: readonly Segments[]): Matcher {
  const indexes = new Map(
    paths.map((path) => [path, indexOf(patterns.filter((pattern) => pattern.matches(path)))]),
  )
  return (segments) => indexes.get(segments)?.(segments) ?? 0
}

/** Events a second. */
function rate(match: Matcher, paths: readonly Segments[], durationMs: number): number {
  const start = performance.now()
  let events = 0
  let elapsed = 0
  for (; elapsed < durationMs; elapsed = performance.now() - start) {
    for (const path of paths) match(path)
    events += paths.length
  }
  return (events / elapsed) * 1_000
}

export const patterns: Scenario = {
  name: 'patterns',
  async run(bench) {
    const registered = patternsOf(COUNT)
    const paths = pathsOf(COUNT)
    const matchers: readonly (readonly [string, Matcher])[] = [
      [INDEX, indexOf(registered)],
      [FEW, indexesOfMatching(registered, paths)],
      [EACH, each(registered)],
    ]
    const [expected, ...others] = matchers.map(([, match]) => paths.map(match).join())
    if (others.some((found) => found !== expected))
      throw new Error('The matchers do not find the same patterns.')
    const rounds = createRounds()
    for (let round = 0; round <= bench.rounds; round++) {
      for (const [subject, match] of matchers) {
        const events = rate(match, paths, bench.quick ? 100 : 400)
        // The first round warms up.
        if (round > 0) rounds.add(subject, { events })
      }
    }
    const matching = paths.map(matchers[0]?.[1] ?? (() => 0)).reduce((sum, count) => sum + count, 0)
    return {
      name: 'patterns',
      title: 'Events a second that 10,000 patterns are matched against',
      notes: [
        `In Node, without a store: which of ${COUNT.toLocaleString('en')} registered patterns the path of an event matches. On average ${(matching / paths.length).toFixed(1)} do; the second row has only those in its index.`,
      ],
      columns: [{ name: 'events', unit: '/s' }],
      reference: INDEX,
      rows: rounds.rows(),
    }
  },
}
