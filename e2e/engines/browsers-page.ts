/** docs/browsers.md, as far as a program writes and reads it: the table of what was run where. */

/** One run of the scenarios. */
export interface EnginesRun {
  readonly titles: readonly string[]
  /** Engine as it calls itself -> titles that passed in it. */
  readonly passed: ReadonlyMap<string, ReadonlySet<string>>
  readonly system: string
  readonly at: Date
}

const BEGIN = '<!-- what was run: begin (written by `pnpm browsers`) -->'
const END = '<!-- what was run: end -->'

/** The page with the table of this run. */
export function replaceTable(page: string, { titles, passed, system, at }: EnginesRun): string {
  const { before, after } = split(page)
  const engines = [...passed]
  const cells = (title: string) => engines.map(([, ran]) => (ran.has(title) ? 'yes' : 'not run'))
  const lines = [
    `Run on ${at.toISOString().slice(0, 10)}, on ${system}.`,
    '',
    row(['Scenario', ...engines.map(([engine]) => engine)]),
    row(['---', ...engines.map(() => '---')]),
    ...titles.map((title) => row([title, ...cells(title)])),
  ]
  return `${before}${BEGIN}\n${lines.join('\n')}\n${END}${after}`
}

/** The scenarios that the page's table has a row for. */
export function titlesOf(page: string): string[] {
  const rows = split(page)
    .table.split('\n')
    .filter((line) => line.startsWith('| '))
  return rows.slice(2).map((line) => line.split(' | ')[0]?.slice(2) ?? '')
}

function split(page: string): { before: string; table: string; after: string } {
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from < 0 || to < from) throw new Error(`docs/browsers.md needs the lines ${BEGIN} and ${END}`)
  return { before: page.slice(0, from), table: page.slice(from, to), after: page.slice(to + END.length) }
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
