import type { Fault } from '../schedule.js'

/** Text in a source file, and what stands there instead. */
export interface Edit {
  /** Relative to the folder of packages. */
  readonly file: string
  /** Occurs exactly once in the file, or the list of mutations is out of date. */
  readonly find: string
  readonly replace: string
}

/** A deliberate bug. */
export interface Mutation {
  readonly bug: string
  /** What comes of it. */
  readonly why: string
  readonly edits: readonly Edit[]
  /** One of the first so many seeds catches it. */
  readonly within: number
  /** In schedules with only these faults, where it takes several of them at once. */
  readonly only?: readonly Fault['do'][]
}
