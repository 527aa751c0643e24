import { ClosedError, DestroyedError, errorToData, UnavailableError } from '@dustlayer/protocol'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { CallResult } from '../tab/calls.js'
import { type Connection, connect } from './connection.js'
import type { WorkerLink } from './worker-link.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A page whose worker does only what the test says. */
function connectTo(worker: Partial<WorkerLink>): Connection {
  return connect({
    openWorker: () => ({
      calls: () => new Promise(() => undefined),
      signal: () => undefined,
      wait: async () => undefined,
      confirm: () => undefined,
      pause: () => undefined,
      ping: async () => undefined,
      suspend: async () => undefined,
      resume: () => undefined,
      terminate: () => undefined,
      destroy: async () => undefined,
      close: async () => undefined,
      ...worker,
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
}

test('close() waits for answers, but not for ever: a leader that is silent is left', async () => {
  let end: (results: readonly CallResult[]) => void = () => undefined
  let workerClosed = false
  const connection = connectTo({
    calls: () => new Promise((resolve) => (end = resolve)),
    async close() {
      workerClosed = true
      end([{ ok: false, error: errorToData(new ClosedError('closed')) }])
    },
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

test('destroy() that failed midway goes on when it is called again, and says until then that it is not done', async () => {
  const left = new UnavailableError('its files could not be deleted', { left: ['its files'] })
  let tries = 0
  let workersClosed = 0
  const connection = connectTo({
    async destroy() {
      tries += 1
      if (tries < 3) throw left
    },
    async close() {
      workersClosed += 1
    },
  })
  const read = (): Promise<unknown> => connection.call({ kind: 'get', store: 'acme/app', path: 'k' })
  await expect(connection.destroy()).rejects.toBe(left)
  await expect(read()).rejects.toThrow('not all of its local data could be removed')
  // Both wait for the same try.
  const again = [connection.destroy(), connection.destroy()]
  expect(await Promise.allSettled(again)).toMatchObject([{ reason: left }, { reason: left }])
  expect([tries, workersClosed]).toEqual([2, 0])
  await connection.destroy()
  await connection.destroy()
  expect([tries, workersClosed]).toEqual([3, 1])
  await expect(read()).rejects.toThrow('has been removed')
  await expect(read()).rejects.toBeInstanceOf(DestroyedError)
})

test('a Dust whose destroy() failed can be closed', async () => {
  let workersClosed = 0
  const connection = connectTo({
    destroy: () => Promise.reject(new UnavailableError('its files could not be deleted')),
    async close() {
      workersClosed += 1
    },
  })
  await expect(connection.destroy()).rejects.toThrow('could not be deleted')
  await connection.close()
  expect(workersClosed).toBe(1)
})
