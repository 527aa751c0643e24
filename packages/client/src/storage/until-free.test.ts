import type { StorageError } from '@dustlayer/protocol'
import { createFakeTime } from '@dustlayer/sync/testing'
import { describe, expect, it } from 'vitest'
import { untilFree } from './until-free.js'

const named = (name: string): Error => Object.assign(new Error(name), { name })

/** `set`: by how much somebody sets the clock, as soon as it has begun. */
function start(failures: () => Error | undefined, set = 0) {
  const time = createFakeTime()
  const begun = time.now
  const clock = time.clock()
  const leaving = new AbortController()
  const told: StorageError[] = []
  const tries: number[] = []
  let outcome: unknown
  const opening = untilFree(
    async () => {
      tries.push(time.clock().now())
      const failure = failures()
      if (failure) throw failure
      return 'open'
    },
    {
      clock: {
        ...clock,
        now: () => clock.now() + (clock.now() > begun ? set : 0),
        monotonic: () => clock.now() - begun,
      },
      random: () => 0.5,
      signal: leaving.signal,
      onWaiting: (error) => told.push(error),
    },
  )
  opening.then(
    (result) => {
      outcome = result
    },
    (error: unknown) => {
      outcome = error
    },
  )
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 10) {
      await new Promise(setImmediate)
      time.advance(10)
    }
    await new Promise(setImmediate)
  }
  return { pass, leaving, told, tries, outcome: () => outcome }
}

describe('files that somebody else holds', () => {
  it('are told after a second, whatever the clock says', async () => {
    const { pass, told } = start(() => named('NoModificationAllowedError'), -3_600_000)
    await pass(3_000)
    expect(told).toMatchObject([{ code: 'storage_busy' }])
  })

  it('are asked for again and again, ever more slowly, for as long as it takes', async () => {
    let held = true
    const { pass, told, tries, outcome } = start(() =>
      held ? named('NoModificationAllowedError') : undefined,
    )
    await pass(900)
    expect(told).toEqual([])
    await pass(10 * 60_000)
    expect(told.map(({ code }) => code)).toEqual(['storage_busy'])
    expect(outcome()).toBeUndefined()
    const waits = tries.slice(1).map((at, i) => at - (tries[i] ?? 0))
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_510)
    held = false
    await pass(2_000)
    expect(outcome()).toBe('open')
  })

  it('are waited for no longer when this tab must not lead any more', async () => {
    const { pass, leaving, outcome, tries } = start(() => named('NoModificationAllowedError'))
    await pass(500)
    leaving.abort()
    await pass(20)
    expect(outcome()).toBe(leaving.signal.reason)
    const count = tries.length
    await pass(5_000)
    expect(tries).toHaveLength(count)
  })

  it('in doubtful words are waited for a while only', async () => {
    const { pass, outcome } = start(() => named('InvalidStateError'))
    await pass(9_000)
    expect(outcome()).toBeUndefined()
    await pass(4_000)
    expect(outcome()).toMatchObject({ name: 'InvalidStateError' })
  })
})

it('any other failure is thrown at once', async () => {
  const { pass, outcome, tries } = start(() => named('SecurityError'))
  await pass(10)
  expect(outcome()).toMatchObject({ name: 'SecurityError' })
  expect(tries).toHaveLength(1)
})
