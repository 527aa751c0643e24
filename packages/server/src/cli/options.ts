import { type ParseArgsConfig, parseArgs } from 'node:util'
import { OptionError } from '@dustlayer/protocol'
import { closestName } from '../closest-name.js'
import type { Command } from './commands.js'

/** One option of a command, as the help shows it. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  /** What stands for the value in the help; required for strings. */
  readonly value?: string
  readonly help: string
  /** May be given several times. */
  readonly multiple?: boolean
}

export type OptionSpecs = { readonly [name: string]: OptionSpec }

/** What was given on the command line, read by name and checked. */
export interface GivenOptions {
  readonly positionals: readonly string[]
  flag(name: string): boolean
  text(name: string): string | undefined
  /** @throws OptionError when it is missing. */
  required(name: string): string
  list(name: string): readonly string[]
  /** A whole number from 0. @throws OptionError when it is none. */
  count(name: string): number | undefined
  /** @throws OptionError unless it is one of these. */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined
}

/** @throws OptionError for an unknown option, with the name that was probably meant, and for bad arguments. */
export function parseOptions(command: Command, args: readonly string[]): GivenOptions {
  const { values, positionals } = parseStrictly(command, args)
  const expected = command.positionals ?? []
  if (positionals.length !== expected.length) {
    throw new OptionError(`Usage: dust-server ${usage(command)}`)
  }
  const text = (name: string) => {
    const value = values[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    positionals,
    text,
    flag: (name) => values[name] === true,
    required(name) {
      const value = text(name)
      if (value !== undefined) return value
      throw new OptionError(`--${name} is missing. Usage: dust-server ${usage(command)}`)
    },
    list(name) {
      const value = values[name]
      return Array.isArray(value) ? value.map(String) : []
    },
    count(name) {
      const value = text(name)
      if (value === undefined) return undefined
      if (/^\d{1,15}$/.test(value)) return Number(value)
      throw new OptionError(`--${name} is a whole number, not "${value}".`)
    },
    choice(name, choices) {
      const value = text(name)
      if (value === undefined) return undefined
      const chosen = choices.find((choice) => choice === value)
      if (chosen !== undefined) return chosen
      throw new OptionError(`--${name} is ${choices.join(' or ')}, not "${value}".`)
    },
  }
}

export function commandHelp(command: Command): string {
  const lines = Object.entries(command.options).map(([name, { value, help }]): [string, string] => {
    return [`  --${name}${value ? ` ${value}` : ''}`, help]
  })
  const width = Math.max(...lines.map(([left]) => left.length)) + 2
  const options = lines.map(([left, right]) => `${left.padEnd(width)}${right}\n`).join('')
  return `Usage: dust-server ${usage(command)}\n\n${command.help}\n\nOptions:\n${options}`
}

function usage({ name, positionals = [] }: Command): string {
  return [name, ...positionals.map((positional) => `<${positional}>`), '[options]'].join(' ')
}

function parseStrictly({ options }: Command, args: readonly string[]) {
  const config: ParseArgsConfig['options'] = {}
  for (const [name, { type, multiple = false }] of Object.entries(options)) config[name] = { type, multiple }
  try {
    return parseArgs({ args: [...args], options: config, allowPositionals: true, strict: true })
  } catch (cause) {
    const unknown = args.find((arg) => arg.startsWith('-') && !(arg.replace(/^--|=.*$/g, '') in options))
    if (unknown === undefined) throw new OptionError(cause instanceof Error ? cause.message : String(cause))
    const name = unknown.replace(/=.*$/, '')
    const meant = closestName(name.replace(/^-+/, ''), Object.keys(options))
    throw new OptionError(
      `Unknown option ${name}.${meant === undefined ? '' : ` Did you mean --${meant}?`} See --help.`,
    )
  }
}
