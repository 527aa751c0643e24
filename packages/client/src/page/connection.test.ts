import { ClosedError, errorToData } from '@dustlayer/protocol'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { CallResult } from '../tab/tab-protocol.js'
import { connect } from './connection.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('close() waits for answers, but not for ever: a leader that is silent is left', async () => {
  let end: (results: readonly CallResult[]) => void = () => undefined
  let workerClosed = false
  const connection = connect({
    openWorker: () => ({
      calls: () => new Promise((resolve) => (end = resolve)),
      signal: () => undefined,
      wait: async () => undefined,
      confirm: () => undefined,
      pause: () => undefined,
      ping: async () => undefined,
      suspend: () => undefined,
      resume: () => undefined,
      terminate: () => undefined,
      destroy: async () => undefined,
      async close() {
        workerClosed = true
        end([{ ok: false, error: errorToData(new ClosedError('closed')) }])
      },
    }),
    watchPage: () => () => undefined,
    onEnded: () => undefined,
    setTimer(ms, run) {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
    now: () => 0,
    random: () => 0,
    report: () => undefined,
  })
  const write = connection.write('acme/app', { op: 'set', path: 'k', value: 1 })
  const refused = expect(write).rejects.toBeInstanceOf(ClosedError)
  const closing = connection.close()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(workerClosed).toBe(false)
  await vi.advanceTimersByTimeAsync(10_000)
  await closing
  await refused
})
