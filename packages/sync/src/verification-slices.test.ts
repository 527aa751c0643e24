import { expect, test } from 'vitest'
import { createRequests } from './requests.js'
import { createFakeTime } from './testing/fake-time.js'
import { createVerification } from './verification.js'

const DIGEST = '0123456789abcdef'

function setUp() {
  const time = createFakeTime()
  const clock = time.clock()
  let elapsed = 0
  let cursor = 7
  let wholes = 0
  const asked: (() => void)[] = []
  const steps: number[] = []
  const verification = createVerification({
    store: 'o/s',
    // Reading takes so long that each step is a slice of its own.
    clock: { now: clock.now, setTimer: clock.setTimer, monotonic: () => elapsed },
    port: {
      digest: () => {
        wholes += 1
        return DIGEST
      },
      *digestSteps() {
        for (let step = 0; step < 4; step++) {
          steps.push(step)
          elapsed += 100
          yield undefined
        }
        return DIGEST
      },
    },
    requests: createRequests({
      store: 'o/s',
      clock,
      unavailable: () => null,
      push(_event, _payload, onReply) {
        asked.push(() => onReply({ status: 'ok', response: { seq: cursor, digest: DIGEST } }))
      },
    }),
    problems: { report: () => undefined },
    firstAfterMs: 0,
    everyMs: 3_600_000,
    random: () => 0.5,
    supported: () => true,
    unavailable: () => null,
    guarded: (run) => run(),
    drain: () => undefined,
    cursor: () => cursor,
    expect: () => undefined,
    resync: () => undefined,
  })
  return {
    time,
    verification,
    steps,
    wholes: () => wholes,
    move: () => {
      cursor += 1
    },
    answer: () => asked.shift()?.(),
  }
}

test('a large copy is read in slices, between which there is time for everything else', async () => {
  const { verification, time, steps, answer, wholes } = setUp()
  const verified = verification.verify()
  answer()
  expect(steps).toEqual([0])
  time.advance(0)
  time.advance(10)
  expect(steps).toEqual([0, 1, 2, 3])
  expect(await verified).toBe('equal')
  expect(wholes()).toBe(0)
})

test('when something changes each time that it is read, it is read in one go at last', async () => {
  const { verification, time, answer, move, wholes } = setUp()
  const verified = verification.verify()
  for (let tries = 0; tries < 2; tries++) {
    answer()
    move()
    time.advance(2_000)
    expect(wholes()).toBe(0)
  }
  answer()
  expect(wholes()).toBe(1)
  expect(await verified).toBe('equal')
})

test('what has been begun ends with the connection', () => {
  const { verification, time, steps, answer } = setUp()
  verification.verify().catch(() => undefined)
  answer()
  verification.lost()
  time.advance(10_000)
  expect(steps).toEqual([0])
})
