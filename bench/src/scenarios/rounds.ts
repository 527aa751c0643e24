import type { Measured, Row } from '../section.js'
import { median } from '../stats.js'
import type { Numbers } from './page-scenario.js'

/** Collects numbers round by round, and gives each subject's medians in the order of first appearance. */
export interface Rounds {
  add(subject: string, numbers: Numbers): void
  rows(): Row[]
}

export function createRounds(): Rounds {
  const subjects = new Map<string, Map<string, number[]>>()
  return {
    add(subject, numbers) {
      const columns = subjects.get(subject) ?? new Map<string, number[]>()
      subjects.set(subject, columns)
      for (const [column, value] of Object.entries(numbers)) {
        columns.set(column, [...(columns.get(column) ?? []), value])
      }
    },
    rows: () => Array.from(subjects, ([subject, columns]) => ({ subject, values: toMeasured(columns) })),
  }
}

function toMeasured(columns: ReadonlyMap<string, number[]>): { [column: string]: Measured } {
  return Object.fromEntries(
    Array.from(columns, ([name, rounds]) => [name, { median: median(rounds), rounds }]),
  )
}
