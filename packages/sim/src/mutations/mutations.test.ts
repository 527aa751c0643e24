import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLab, type Lab } from './lab.js'
import { MUTATIONS } from './mutations.js'

/** For a machine that has much else to do. */
const PATIENCE_MS = 120_000

let lab: Lab

beforeAll(async () => {
  lab = await createLab()
})
afterAll(() => lab.close())

test('there are enough deliberate bugs', () => {
  expect(MUTATIONS.length).toBeGreaterThanOrEqual(25)
})

test.each(MUTATIONS)('caught: $bug', { timeout: PATIENCE_MS }, async (mutation) => {
  const { search, seedsFrom } = await lab.load(mutation)
  const { failure, runs } = await search(seedsFrom(1, mutation.within), () => true, mutation.only)
  const rule = failure?.outcome.violation?.rule
  expect(rule, `${mutation.why}, and ${mutation.within} seeds did not show it`).toBeDefined()
  console.log(`${mutation.bug}: ${rule}, after ${runs} runs`)
})

test('what is caught is explained by a few steps, a trace and a command', {
  timeout: PATIENCE_MS,
}, async () => {
  const [mutation] = MUTATIONS
  if (!mutation) throw new Error('There are no mutations.')
  const { explain, search, seedsFrom } = await lab.load(mutation)
  const { failure } = await search(seedsFrom(1, mutation.within), () => true)
  if (!failure) throw new Error('It was not caught.')
  const { schedule, outcome } = failure
  const text = await explain(schedule, outcome, 200)
  const steps = Number(/ steps shrunk to (\d+) in /.exec(text)?.[1])
  expect(steps).toBeLessThan(schedule.steps.length / 2)
  expect(text).toContain(`To see it again: pnpm sim --seed ${schedule.seed}`)
  expect(text).toMatch(/server {2}\d+: /)
})
