import type { GivenOptions, OptionSpec } from './options.js'

/** The option that all commands share. */
export const dataOption: OptionSpec = {
  type: 'string',
  value: 'DIR',
  help: 'where everything is kept (default: ./dust-data)',
}

export function dataDirOf(options: GivenOptions): string {
  return options.text('data') ?? 'dust-data'
}
