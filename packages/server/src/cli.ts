import { DustError } from '@dustlayer/protocol'
import { type Command, findCommand, topLevelHelp } from './cli/commands.js'
import { commandHelp, parseOptions } from './cli/options.js'

/** The command line. Sets the exit code: 1 when a command fails, 2 when it was called wrongly. */
export async function main(args: readonly string[]): Promise<void> {
  const found = findCommand(args)
  if (!found) {
    const asked = args.length === 0 || args.includes('--help') || args.includes('-h') || args[0] === 'help'
    if (asked) process.stdout.write(topLevelHelp(args))
    else fail(`There is no command "${args.join(' ')}". See dust-server --help.`, 2)
    return
  }
  const { command, rest } = found
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(commandHelp(command))
    return
  }
  await run(command, rest)
}

async function run(command: Command, args: readonly string[]): Promise<void> {
  try {
    await command.run(parseOptions(command, args))
  } catch (error) {
    const wrongUse = error instanceof DustError && error.code === 'invalid_option'
    fail(error instanceof Error ? error.message : String(error), wrongUse ? 2 : 1)
  }
}

function fail(message: string, exitCode: number): void {
  process.stderr.write(`Error: ${message}\n`)
  process.exitCode = exitCode
}
