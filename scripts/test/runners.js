import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../setup/project.js'
import { tallyPlaywright, tallyVitest, withExitCode } from './tally.js'

const reportFolder = join(projectRoot, '.reports')

/**
 * Runs every unit test.
 * @param {import('../setup/progress.js').Progress} progress
 * @param {import('../setup/pnpm.js').Pnpm} pnpm
 */
export async function runVitest(progress, pnpm) {
  const file = join(reportFolder, 'vitest.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  return await runReported(progress, pnpm, {
    title: 'Unit tests',
    command: ['vitest', 'run', '--passWithNoTests', ...reporters],
    file,
    tally: tallyVitest,
  })
}

/**
 * Runs every browser test.
 * @param {import('../setup/progress.js').Progress} progress
 * @param {import('../setup/pnpm.js').Pnpm} pnpm
 */
export async function runPlaywright(progress, pnpm) {
  // playwright.config.ts names the same file.
  const file = join(reportFolder, 'playwright.json')
  return await runReported(progress, pnpm, {
    title: 'Browser tests',
    command: ['playwright', 'test', '--pass-with-no-tests'],
    file,
    tally: tallyPlaywright,
  })
}

/**
 * @template Report
 * @param {import('../setup/progress.js').Progress} progress
 * @param {import('../setup/pnpm.js').Pnpm} pnpm
 * @param {{ title: string, command: readonly string[], file: string, tally: (report: Report) => import('./tally.js').Tally }} runner
 * @returns {Promise<import('./tally.js').Tally>}
 */
async function runReported(progress, pnpm, { title, command, file, tally }) {
  rmSync(file, { force: true })
  progress.note(`\n${title}: pnpm exec ${command[0]} ${command[1]}`)
  // Test output is shown as it comes: it is what one waits for, and a stuck test is seen at once.
  const { code } = await pnpm(['exec', ...command], { stream: true })
  const report = readReport(file)
  if (report === undefined) {
    progress.note(`${title} left no report: the run ended with code ${code} before its tests were counted.`)
    return { passed: 0, failed: 1 }
  }
  return withExitCode(tally(report), code)
}

/** @param {string} file */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // Missing or cut off: either way the runner did not get to its end, and the caller says so.
    return undefined
  }
}
