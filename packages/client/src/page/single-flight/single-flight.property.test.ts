import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTabWorld, STORE } from '../../test-support/tab-world.js'

/** What one caller does: which device it is on, when it calls, how long its function would take, and if it gives up. */
const caller = fc.record({
  device: fc.constantFrom('ann', 'ben', 'cas'),
  after: fc.nat(400),
  takes: fc.nat(500),
  aborts: fc.boolean(),
})

test('G03 G04 G07 whoever calls whenever: functions never overlap, one value is published, and all get it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(caller, { minLength: 2, maxLength: 7 }), async (callers) => {
      const world = createTabWorld()
      try {
        const tabs = new Map(['ann', 'ben', 'cas'].map((device) => [device, world.open(device)] as const))
        for (const { dust } of tabs.values()) await world.outcome(dust.synced(STORE))
        let running = 0
        let published = 0
        const start = world.now()
        const call = async ({ device, after, takes, aborts }: (typeof callers)[number], i: number) => {
          await world.until(() => world.now() >= start + after)
          return tabs.get(device)?.dust.singleFlight(
            STORE,
            'cache/x',
            async ({ lease, publish, abort }) => {
              expect(lease).not.toBeNull()
              running += 1
              expect(running).toBe(1)
              await world.pass(takes)
              running -= 1
              if (aborts) return abort(i)
              published += 1
              return publish(i)
            },
            // Shorter than many functions take, so that renewals decide.
            { leaseTtl: 200, waitTimeout: 10_000 },
          )
        }
        const results = await world.outcome(Promise.allSettled(callers.map(call)))
        const values = results.flatMap((result) =>
          result.status === 'fulfilled' ? [result.value?.value] : [],
        )
        expect(new Set(values).size).toBeLessThanOrEqual(1)
        expect(published).toBe(values.length > 0 ? 1 : 0)
        for (const result of results) {
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'aborted' })
        }
      } finally {
        world.dispose()
      }
    }),
    { numRuns: 20 },
  )
})
