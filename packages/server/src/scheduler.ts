/** When work runs that nobody waits for. Injected, so that tests and simulations decide. */
export interface Scheduler {
  /** Soon, and never at once: what has arrived by then is done first. */
  defer(run: () => void): void
  /** Once, after so many milliseconds. Returns the function that calls it off. */
  after(ms: number, run: () => void): () => void
}

export const systemScheduler: Scheduler = {
  defer: (run) => void setImmediate(run),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
