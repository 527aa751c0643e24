import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { FINDS } from './finds.js'
import { generate } from './generate.js'
import { explain, type Search, search, seedsFrom } from './report.js'
import { run } from './run.js'

const FIXED_SEEDS = 100
const FIXED_MS = 12_000
const FRESH_MS = 10_000
/** For a machine that has much else to do. */
const PATIENCE_MS = 120_000
const SHRINK_TRIES = 300

async function expectNothing({ failure }: Search): Promise<void> {
  if (failure) expect.fail(await explain(failure.schedule, failure.outcome, SHRINK_TRIES))
}

function within(ms: number): () => boolean {
  const end = performance.now() + ms
  return () => performance.now() < end
}

test.each(FINDS)('found before: $bug', { timeout: PATIENCE_MS }, async ({ schedule }) => {
  const outcome = await run(schedule)
  if (outcome.violation) expect.fail(await explain(schedule, outcome, SHRINK_TRIES))
})

test('I1–I7 hold in fixed schedules', { timeout: PATIENCE_MS }, async () => {
  const found = await search(seedsFrom(1, FIXED_SEEDS), within(FIXED_MS))
  await expectNothing(found)
  console.log(`Simulated ${found.runs} fixed schedules with ${found.ops} ops.`)
})

test('I1–I7 hold in fresh schedules', { timeout: PATIENCE_MS }, async () => {
  const first = randomInt(2 ** 31)
  const found = await search(seedsFrom(first), within(FRESH_MS))
  await expectNothing(found)
  console.log(`Simulated ${found.runs} fresh schedules from seed ${first} with ${found.ops} ops.`)
})

test('a seed goes the same way each time', { timeout: PATIENCE_MS }, async () => {
  for (const seed of [3, 10, 17]) expect(await traceOf(seed)).toEqual(await traceOf(seed))
})

/** Ids of histories are random, and nothing depends on what they are. */
async function traceOf(seed: number): Promise<string[]> {
  const lines: string[] = []
  await run(generate(seed), (line) => lines.push(line.replace(/[0-9a-f]{32}/g, 'incarnation')))
  expect(lines.length).toBeGreaterThan(100)
  return lines
}
