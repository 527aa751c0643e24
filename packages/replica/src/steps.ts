/** Long work in steps: between two of them, whoever runs it may do something else with the same replica. */
export type Steps<T> = Generator<undefined, T, undefined>

/** Runs what is left in one go. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
