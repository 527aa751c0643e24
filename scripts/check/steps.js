/**
 * One thing that has to be right in the whole repository, checked by one command.
 * @typedef {object} CheckStep
 * @property {string} name
 * @property {string} title
 * @property {readonly string[]} command run through `pnpm exec`
 */

/** @type {readonly CheckStep[]} */
export const checkSteps = [
  {
    name: 'types',
    title: 'Types of packages, tests, scripts and examples',
    command: ['tsc', '-b', 'tsconfig.check.json'],
  },
  { name: 'lint', title: 'Format and lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'unused', title: 'Unused files, exports and dependencies', command: ['knip'] },
  { name: 'layers', title: 'Layer order', command: ['node', 'scripts/check-layers.js'] },
  {
    name: 'conformance',
    title: 'docs/conformance.md, and a test or a reason for each case',
    command: ['node', 'scripts/conformance.js'],
  },
  { name: 'docs', title: 'Links and file names in documents', command: ['node', 'scripts/check-docs.js'] },
  { name: 'packages', title: 'Packages as published', command: ['node', 'scripts/check-packages.js'] },
]

/**
 * Runs check steps one after the other, all of them, and says which failed.
 * @param {import('../setup/progress.js').Progress} progress
 * @param {import('../setup/pnpm.js').Pnpm} pnpm
 * @param {readonly CheckStep[]} [steps]
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runChecks(progress, pnpm, steps = checkSteps) {
  /** @type {CheckStep[]} */
  const failures = []
  for (const step of steps) {
    const result = await progress.step(`Check: ${step.title}`, () =>
      pnpm(['exec', ...step.command], { stream: progress.verbose }),
    )
    if (result.code === 0) continue
    failures.push(step)
    progress.note(progress.verbose ? `Failed: ${step.title}` : `\n${result.output.trimEnd()}\n`)
  }
  if (failures.length > 0) {
    progress.note(
      `Failed: ${failures.map((step) => step.name).join(', ')}. To run one alone: pnpm check ${failures[0]?.name}`,
    )
  }
  return { passed: steps.length - failures.length, failed: failures.length }
}
