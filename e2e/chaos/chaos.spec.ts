import { randomInt } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { phasesOf } from './phases.js'
import { play, tellStrikes } from './play.js'
import { createRandom } from './random.js'
import { resultOf } from './result.js'
import { scheduleOf } from './schedule.js'
import { openWorld } from './world.js'

// Set by `pnpm chaos` (scripts/chaos.js); without them this is the short version, with dice of its own.
const { DUST_CHAOS_SEED, DUST_CHAOS_REPORTS } = process.env
const phases = phasesOf(process.env.DUST_CHAOS === 'long' ? 'long' : 'short')

// One after the other: two of these worlds at a time are more than a small machine has.
test.describe.configure({ mode: 'default' })
// A trace of thousands of calls a minute starves Playwright's connection to the tabs: they work and seem to be silent.
test.use({ trace: 'off' })

for (const phase of phases) {
  test(`chaos: ${phase.id}, ${phase.rounds} rounds: nothing is lost, nothing doubled`, async ({
    launchOptions,
  }) => {
    test.setTimeout(60_000 + phase.rounds * 15_000)
    const seed = DUST_CHAOS_SEED === undefined ? randomInt(2 ** 31) : Number(DUST_CHAOS_SEED)
    const repeat = `To repeat its faults: DUST_CHAOS_SEED=${seed}, or pnpm chaos --seed ${seed} --only ${phase.id}`
    console.log(`${phase.id}: seed ${seed}`)

    const started = Date.now()
    const world = await openWorld(launchOptions, createRandom(seed, ...Buffer.from(phase.id), 1))
    try {
      const tell = (line: string) => {
        if (process.env.DUST_CHAOS_TELL)
          console.log(`${((Date.now() - started) / 1_000).toFixed(1)} s ${line}`)
      }
      const played = await play(world, scheduleOf(phase, seed), phase.tabs, tell)
      const result = resultOf(phase, seed, world, played, (Date.now() - started) / 1_000)
      if (DUST_CHAOS_REPORTS !== undefined) {
        await mkdir(DUST_CHAOS_REPORTS, { recursive: true })
        await writeFile(join(DUST_CHAOS_REPORTS, `${phase.id}.json`), JSON.stringify(result, null, 2))
      }
      expect(result.violations, `${repeat}\n${tellStrikes(played.strikes)}\n`).toEqual([])
      expect(result.acknowledged).toBeGreaterThan(0)
    } finally {
      await world.dispose()
    }
  })
}
