// pnpm check [types|lint|unused|layers|packages …]: what has to be right in the whole repository besides the tests.
import { checkSteps, runChecks } from './check/steps.js'
import { runCommand } from './setup/command.js'
import { createProgress } from './setup/progress.js'
import { projectRoot } from './setup/project.js'

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const unknown = names.find((name) => !checkSteps.some((step) => step.name === name))
if (unknown !== undefined) {
  process.stderr.write(
    `There is no check "${unknown}": choose from ${checkSteps.map((step) => step.name).join(', ')}.\n`,
  )
  process.exit(2)
}

const progress = createProgress({ verbose: process.argv.includes('--verbose') })
const steps = names.length === 0 ? checkSteps : checkSteps.filter((step) => names.includes(step.name))
const { failed } = await runChecks(
  progress,
  (args, options) => runCommand('pnpm', args, { cwd: projectRoot, ...options }),
  steps,
)
process.exitCode = failed === 0 ? 0 : 1
