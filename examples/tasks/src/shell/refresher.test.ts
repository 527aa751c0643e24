import { expect, test, vi } from 'vitest'
import { createRefresher } from './refresher.js'

test('requests during a run share one more run', async () => {
  const runs: (() => void)[] = []
  const refresh = createRefresher(
    () => new Promise<void>((resolve) => runs.push(resolve)),
    expect.unreachable,
  )
  refresh()
  refresh()
  refresh()
  expect(runs).toHaveLength(1)
  runs[0]?.()
  await vi.waitFor(() => expect(runs).toHaveLength(2))
  runs[1]?.()
  await new Promise(setImmediate)
  expect(runs).toHaveLength(2)
})

test('a run that fails is told, and the next one still comes', async () => {
  const failures: unknown[] = []
  let runs = 0
  const refresh = createRefresher(
    async () => {
      runs++
      throw runs
    },
    (error) => failures.push(error),
  )
  refresh()
  refresh()
  await vi.waitFor(() => expect(failures).toEqual([1, 2]))
})
