import { createRun, type Draft, type Step } from '@dustlayer/replica/testing'
import init from '@sqlite.org/sqlite-wasm'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createBlockDisk } from '../test-support/memory-blocks.js'
import { openBlocksForTest } from '../test-support/open-blocks.js'

const sqlite3 = await init()

const draft: fc.Arbitrary<Draft> = fc.oneof(
  fc.record({
    op: fc.constantFrom('set' as const, 'merge' as const, 'delete' as const),
    path: fc.constantFrom('a', 'a/b', 'a/b/c', 'b'),
    value: fc.constantFrom<Draft['value']>(null, 1, 'x'.repeat(9_000), { b: 1 }, { b: { c: 'deep' } }),
  }),
  fc.record({
    op: fc.constant('increment' as const),
    path: fc.constantFrom('n', 'a/n'),
    value: fc.integer(),
  }),
)

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), draft }),
  fc.record({ kind: fc.constant('foreign' as const), draft }),
  fc.record({
    kind: fc.constant('batch' as const),
    drafts: fc.array(draft, { minLength: 1, maxLength: 3 }),
    separate: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('send' as const), refuse: fc.boolean() }),
  fc.record({
    kind: fc.constant('events' as const),
    limit: fc.integer({ min: 1, max: 5 }),
    again: fc.constant(0),
  }),
  fc.record({
    kind: fc.constant('stage' as const),
    size: fc.integer({ min: 1, max: 3 }),
    fromLog: fc.boolean(),
  }),
  fc.record({
    kind: fc.constantFrom(
      'answer' as const,
      'snapshot' as const,
      'reconnect' as const,
      'restart' as const,
      'rollback' as const,
    ),
  }),
)

it('I1–I7 on blocks: a replica there does what one on a plain SQLite does, step by step', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 30 }), fc.boolean(), async (steps, batches) => {
      const { files } = await openBlocksForTest(sqlite3, createBlockDisk())
      const { driver, durable } = await files.open('db')
      const [here, there] = [createRun({ batches, driver }), createRun({ batches })]
      for (const [i, step] of steps.entries()) {
        here.perform(step)
        there.perform(step)
        expect(here.replica().export()).toEqual(there.replica().export())
        if (i % 7 === 0) await durable()
      }
      here.settle()
      expect(here.replica().pending().count).toBe(0)
      expect(here.replica().check()).toMatchObject({ ok: true, problemCount: 0 })
      here.driver.close()
      there.driver.close()
      await files.close()
    }),
    { numRuns: 60 },
  )
})
