// npm test: set-up, checks, unit tests, browser tests. Its last line is the sum, `N passed, N failed`.
import { runChecks } from './check/steps.js'
import { createProgress } from './setup/progress.js'
import { buildProject, reportFailure, setUp, setUpBrowser, setUpEngines } from './setup/setup.js'
import { runPlaywright, runVitest } from './test/runners.js'
import { sumTallies } from './test/tally.js'

const verbose = process.argv.includes('--verbose')
const progress = createProgress({ verbose })

/** @type {import('./test/tally.js').Tally[]} */
const tallies = []
try {
  const pnpm = await setUp(progress)
  await setUpBrowser(progress, pnpm)
  const untested = await setUpEngines(progress)
  await buildProject(progress, pnpm)
  tallies.push(await runChecks(progress, pnpm))
  tallies.push(await runVitest(progress, pnpm))
  tallies.push(await runPlaywright(progress, pnpm))
  if (untested !== '') progress.note(`\n${untested}`)
} catch (error) {
  reportFailure(error, { verbose })
  tallies.push({ passed: 0, failed: 1 })
}
const { passed, failed } = sumTallies(tallies)
process.exitCode = failed === 0 ? 0 : 1
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
