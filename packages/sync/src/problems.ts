import { DustError } from '@dustlayer/protocol'

/** Where goes what nobody can be thrown: to the owner of the client. */
export interface Problems {
  report(problem: DustError): void
  /** For what is tolerated: told the first time only, by kind. */
  reportOnce(kind: string, make: () => DustError): void
}

/** How many kinds are remembered; a peer that invents names must not fill the memory. */
const MAX_KINDS = 1_000

export function createProblems(onProblem: (problem: DustError) => void): Problems {
  const kinds = new Set<string>()
  return {
    report: (problem) => onProblem(problem),
    reportOnce(kind, make) {
      if (kinds.has(kind) || kinds.size >= MAX_KINDS) return
      kinds.add(kind)
      onProblem(make())
    },
  }
}

/** Anything thrown as an error of ours; `make` gets what the original said. */
export function asDustError(
  cause: unknown,
  make: (detail: string, options: ErrorOptions) => DustError,
): DustError {
  if (cause instanceof DustError) return cause
  return make(cause instanceof Error ? cause.message : String(cause), { cause })
}
