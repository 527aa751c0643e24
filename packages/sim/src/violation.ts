/** Something that must hold whatever happens did not. */
export class Violation extends Error {
  override readonly name = 'Violation'
  /** Which one: an invariant of ARCHITECTURE.md, or the name of a check. */
  readonly rule: string

  constructor(rule: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.rule = rule
  }
}

/** The end of a simulated process, thrown through it. Nothing that it does afterwards reaches the world. */
export class Crash extends Error {
  override readonly name = 'Crash'
}

/** Violations that are seen in the middle of the software under test, which might swallow what is thrown there. */
export interface Findings {
  add(rule: string, message: string): void
  /** @throws Violation the first of them. */
  raise(): void
}

export function createFindings(): Findings {
  let first: Violation | undefined
  return {
    add(rule, message) {
      first ??= new Violation(rule, message)
    },
    raise() {
      if (first) throw first
    },
  }
}
