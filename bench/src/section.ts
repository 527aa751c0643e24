/** One quantity of one subject: a value a round, and their median. */
export interface Measured {
  readonly median: number
  readonly rounds: readonly number[]
}

export interface Row {
  /** The library, or the arrangement, that was measured. */
  readonly subject: string
  readonly values: { readonly [column: string]: Measured }
}

export interface Column {
  readonly name: string
  readonly unit: 'ms' | '/s' | 'bytes'
}

/** A scenario's table in the report. */
export interface Section {
  /** As `--only` takes it. */
  readonly name: string
  readonly title: string
  readonly notes: readonly string[]
  readonly columns: readonly Column[]
  /** The subject that the ratios in the table compare with. */
  readonly reference: string
  readonly rows: readonly Row[]
}

export function valueIn(section: Section, subject: string, column: string): number | undefined {
  return section.rows.find((row) => row.subject === subject)?.values[column]?.median
}
