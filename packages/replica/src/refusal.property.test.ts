import { parsePattern, RejectedError } from '@dustlayer/protocol'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import type { DustEvent } from './events.js'
import type { Replica } from './replica.js'
import { anyStep } from './testing/random-steps.js'
import { createRun, type Step } from './testing/run.js'

// Every run counts, also on a machine that has much else to do.
vi.setConfig({ testTimeout: 180_000 })

const everything = (replica: Replica) => replica.enum(parsePattern('**')).items

/** Performs a write or a batch and gives back what was issued with it. */
const writing: fc.Arbitrary<Step> = anyStep.filter(({ kind }) => kind === 'write' || kind === 'batch')

it('I7: a refused op or batch restores exactly what would have been seen without it, and says so', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), writing, fc.boolean(), (steps, action, batches) => {
      const events: DustEvent[] = []
      const run = createRun({
        batches,
        opened: (replica) => replica.onEvents((told) => events.push(...told)),
      })
      for (const before of steps) run.perform(before)
      const { sync } = run.replica()
      // What was read for sending keeps its place, so the write stands by itself.
      sync.outbox(0, Number.POSITIVE_INFINITY)
      const seen = everything(run.replica())
      const count = run.issued.length
      run.perform(action)
      const written = run.issued.slice(count).map(({ opId }) => opId)
      events.length = 0
      const refusal = new RejectedError('limit_exceeded', 'o/s: full')
      for (const { opId, batch } of sync.outbox(0, Number.POSITIVE_INFINITY)) {
        if (!written.includes(opId)) continue
        if (batch) sync.rejectBatch(batch.id, refusal, 0)
        else sync.reject(opId, refusal)
      }
      expect(everything(run.replica())).toEqual(seen)
      const refusals = events.filter(({ error }) => error)
      expect(refusals.map(({ clientOpId }) => clientOpId)).toEqual(written)
      for (const opId of written) expect(run.replica().verdict(opId)?.state).toBe('rejected')
      run.driver.close()
    }),
    { numRuns: 1_000 },
  )
})
