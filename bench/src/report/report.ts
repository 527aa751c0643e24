import { DURABILITY } from '../page/peers/peer.js'
import type { Column, Row, Section } from '../section.js'
import { type Aim, judgeAims } from './aims.js'
import type { Circumstances } from './machine.js'

/** Everything a run found; `results.json` holds it as it is. */
export interface Results {
  readonly circumstances: Circumstances
  readonly sections: readonly Section[]
}

/** The results as Markdown: circumstances, aims, then a table a scenario with rows that lose as well as rows that win. */
export function renderReport({ circumstances, sections }: Results): string {
  const { date, machine, load, versions } = circumstances
  return `${[
    '# Benchmark results',
    'Written by `pnpm bench`; do not edit. How it is measured and what bounds it: [docs/performance.md](../docs/performance.md).',
    `${date}, ${machine}. Load average at the start: ${load.join(', ')}.\n${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(' · ')}`,
    'Each number is the median of several rounds in which all subjects had their turn. In brackets: the subject’s number divided by that of the first row. Trust the ratios of one run, not the numbers.',
    renderAims(judgeAims(sections)),
    ...sections.map(renderSection),
    '## When a write’s promise resolves',
    Object.entries(DURABILITY)
      .map(([name, meaning]) => `- **${name}**: ${meaning}`)
      .join('\n'),
  ].join('\n\n')}\n`
}

function renderAims(aims: readonly Aim[]): string {
  const rows = aims.map(({ text, measured, met }) => [text, measured, met ? 'met' : '**missed**'])
  return `## Aims\n\n${table(['aim', 'measured', ''], rows)}`
}

function renderSection(section: Section): string {
  const reference = section.rows.find(({ subject }) => subject === section.reference)
  const header = ['', ...section.columns.map(({ name, unit }) => (unit === 'ms' ? `${name}, ms` : name))]
  const rows = section.rows.map((row) => [
    row.subject,
    ...section.columns.map((column) => cell(row, column, row === reference ? undefined : reference)),
  ])
  return [`## ${section.title}`, ...section.notes, table(header, rows)].join('\n\n')
}

function cell(row: Row, { name, unit }: Column, reference: Row | undefined): string {
  const value = row.values[name]?.median
  if (value === undefined) return '–'
  const base = reference?.values[name]?.median
  const ratio = base === undefined || base === 0 ? '' : ` (${short(value / base)}×)`
  return `${unit === 'ms' ? short(value) : Math.round(value).toLocaleString('en')}${ratio}`
}

/** Three significant digits, without an exponent. */
function short(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3)
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = header.map((_, index) => (index === 0 ? '---' : '---:'))
  return [line(header), line(rule), ...rows.map(line)].join('\n')
}
