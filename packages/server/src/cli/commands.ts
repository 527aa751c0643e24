import type { GivenOptions, OptionSpecs } from './options.js'
import { serveCommand } from './serve.js'
import { storeCompactCommand, storeCreateCommand, storeListCommand, storeRenewCommand } from './store.js'
import { tokenCreateCommand, tokenListCommand, tokenRevokeCommand } from './token.js'

export interface Command {
  /** One or two words, as typed. */
  readonly name: string
  readonly help: string
  readonly positionals?: readonly string[]
  readonly options: OptionSpecs
  run(options: GivenOptions): void | Promise<void>
}

const COMMANDS: readonly Command[] = [
  serveCommand,
  storeCreateCommand,
  storeListCommand,
  storeCompactCommand,
  storeRenewCommand,
  tokenCreateCommand,
  tokenListCommand,
  tokenRevokeCommand,
]

/** The command that the arguments begin with, and the arguments after it. */
export function findCommand(
  args: readonly string[],
): { command: Command; rest: readonly string[] } | undefined {
  for (const command of COMMANDS) {
    const words = command.name.split(' ')
    if (words.every((word, i) => args[i] === word)) return { command, rest: args.slice(words.length) }
  }
  return undefined
}

/** Help on all commands, or on those that begin with the given word. */
export function topLevelHelp(args: readonly string[]): string {
  const group = COMMANDS.filter(({ name }) => name.split(' ')[0] === args[0])
  const shown = group.length > 0 ? group : COMMANDS
  const lines = shown.map(({ name, positionals = [], help }) => {
    const left = [name, ...positionals.map((positional) => `<${positional}>`)].join(' ')
    return `  ${left.padEnd(28)}${help.split('\n', 1)[0]}\n`
  })
  return `Usage: dust-server <command> [options]\n\nCommands:\n${lines.join('')}\nOptions of a command: dust-server <command> --help\n`
}
