/** The value that a fraction of the samples does not exceed (nearest rank). */
export function percentile(samples: readonly number[], fraction: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const rank = Math.max(Math.ceil(fraction * sorted.length), 1)
  const found = sorted[rank - 1]
  if (found === undefined) throw new Error('There are no samples to take a percentile of.')
  return found
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5)
}

/** Runs `body` and gives its duration in milliseconds. */
export async function timed(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await body()
  return performance.now() - start
}
