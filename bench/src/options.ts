import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** Names of the scenarios to run; all when empty. */
  readonly only: readonly string[]
  /** Fewer samples and one round; results are not written. */
  readonly quick: boolean
  readonly list: boolean
}

export const USAGE = `pnpm bench [--only NAME]… [--quick] [--list]

  --only NAME   run this scenario only; repeatable. Printed but not written
  --quick       one short round, printed but not written
  --list        the names of the scenarios
`

export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    options: {
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  })
  return values
}
