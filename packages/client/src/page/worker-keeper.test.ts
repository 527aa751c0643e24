import { type DustError, UnavailableError } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Call, CallResult } from '../tab/calls.js'
import type { Hello, PageSignal } from '../tab/tab-protocol.js'
import { createCallBatcher } from './call-batch.js'
import { createWorkerKeeper } from './worker-keeper.js'
import type { OpenWorker, WorkerHandlers } from './worker-link.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A worker as its page sees it, which does what the test says. */
interface Started {
  readonly handlers: WorkerHandlers
  readonly restored: Hello | undefined
  readonly at: number
  readonly received: Call[]
  readonly signals: PageSignal[]
  /** Answers what it gets, once it has started. */
  deaf: boolean
  hangs: boolean
  leaves: boolean
  terminated: boolean
  suspended: boolean
  destroys: () => Promise<void>
}

const get = { kind: 'get', store: 'acme/app', path: 'k' } as const
const put = {
  kind: 'write',
  store: 'acme/app',
  op: { op: 'set', path: 'k', value: 1, opId: 'op_1' },
} as const
const subscribe = {
  kind: 'subscribe',
  store: 'acme/app',
  subscription: {
    id: 1,
    store: 'acme/app',
    pattern: '**',
    mode: 'all',
    watch: false,
    maxQueueSize: 9,
    gapless: false,
  },
} as const
const notLoaded = new UnavailableError('Its script could not be loaded.')

function createPage(onOpen: (worker: Started) => void) {
  const workers: Started[] = []
  const failures: [DustError, boolean][] = []
  const notices: unknown[] = []
  const never = new Promise<never>(() => undefined)
  const openWorker: OpenWorker = (handlers, restored) => {
    const worker: Started = {
      handlers,
      restored,
      at: Date.now(),
      received: [],
      signals: [],
      deaf: false,
      hangs: false,
      leaves: true,
      terminated: false,
      suspended: false,
      destroys: async () => undefined,
    }
    workers.push(worker)
    // Before anything of the test's own: a constructor may throw.
    onOpen(worker)
    return {
      async calls(batch) {
        worker.received.push(...batch)
        if (worker.deaf) return never
        return batch.map((): CallResult => ({ ok: true, value: null }))
      },
      signal: (signal) => void worker.signals.push(signal),
      wait: () => never,
      pause: () => undefined,
      confirm: () => undefined,
      ping: () => (worker.hangs ? never : Promise.resolve()),
      suspend() {
        worker.suspended = true
        return worker.leaves ? Promise.resolve() : never
      },
      resume() {
        worker.suspended = false
      },
      terminate() {
        worker.terminated = true
      },
      destroy: () => worker.destroys(),
      close: async () => undefined,
    }
  }
  const keeper = createWorkerKeeper({
    openWorker,
    onNotice: (notice) => notices.push(notice),
    onFailure: (error, fatal) => failures.push([error, fatal]),
    setTimer(ms, run) {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
    random: () => 1,
  })
  return { keeper, workers, failures, call: createCallBatcher(keeper.calls).call }
}

/** In a later turn, as the browser tells it. */
const failing = (worker: Started): void =>
  void setTimeout(() => {
    worker.deaf = true
    worker.handlers.onFailure(notLoaded)
  }, 10)
const starting = ({ handlers }: Started): void => void setTimeout(handlers.onStarted, 10)

const settled = (promise: Promise<unknown>): { readonly outcome: string } => {
  const state = { outcome: 'waits' }
  promise.then(
    () => Object.assign(state, { outcome: 'answered' }),
    (error: Error) => Object.assign(state, { outcome: error.message }),
  )
  return state
}

describe('a worker that cannot be started', () => {
  /** The first workers do not start, the others do. */
  const loadingFrom = (which: number) => {
    let opened = 0
    return createPage((worker) => {
      opened += 1
      if (opened < which) {
        worker.deaf = true
        failing(worker)
      } else starting(worker)
    })
  }

  test('is tried again after pauses that grow, and calls are answered once it starts', async () => {
    const { workers, call, failures } = loadingFrom(5)
    const read = settled(call(get))
    await vi.advanceTimersByTimeAsync(20_000)
    expect(read.outcome).toBe('answered')
    expect(workers).toHaveLength(5)
    const pauses = workers.slice(1).map(({ at }, i) => at - (workers[i]?.at ?? 0))
    expect(pauses).toEqual([510, 1_010, 2_010, 4_010])
    expect(failures).toEqual([1, 2, 3, 4].map(() => [notLoaded, false]))
    expect(await call(get)).toBe(null)
  })

  test('lets calls wait for 30 s, then rejects them with what is wrong; later ones work', async () => {
    const { call, keeper, workers } = loadingFrom(7)
    const early = settled(call(put))
    await vi.advanceTimersByTimeAsync(20_000)
    const late = settled(call(get))
    await vi.advanceTimersByTimeAsync(10_100)
    expect([early.outcome, late.outcome]).toEqual([notLoaded.message, 'waits'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(late.outcome).toBe('answered')
    // What was refused must not be done after all.
    expect(workers.at(-1)?.received.map(({ kind }) => kind)).toEqual(['get'])
    await keeper.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('does not end what was registered: it waits for as long as it takes', async () => {
    const { call, workers, failures } = loadingFrom(20)
    const registered = settled(call(subscribe))
    const [read, refused] = [settled(call(get)), settled(call(put))]
    await vi.advanceTimersByTimeAsync(31_000)
    expect([registered, read, refused].map(({ outcome }) => outcome)).toEqual([
      'waits',
      notLoaded.message,
      notLoaded.message,
    ])
    await vi.advanceTimersByTimeAsync(600_000)
    expect(registered.outcome).toBe('answered')
    expect(workers.at(-1)?.received).toEqual([subscribe])
    expect(failures.some(([, fatal]) => fatal)).toBe(false)
  })

  test.each(['online', 'visible', 'resumed', 'reconnect'] as const)(
    'is tried at once on the signal "%s"',
    async (signal) => {
      const { keeper, workers } = loadingFrom(20)
      await vi.advanceTimersByTimeAsync(40_000)
      const before = workers.length
      keeper.signal(signal)
      expect(workers).toHaveLength(before + 1)
      // One that is under way is left to it.
      keeper.signal(signal)
      expect(workers).toHaveLength(before + 1)
    },
  )

  test('is given a longer and longer time, since the network may be slow', async () => {
    const { workers, call } = createPage((worker) => {
      worker.deaf = true
    })
    const read = settled(call(get))
    await vi.advanceTimersByTimeAsync(59_000)
    expect([workers.length, read.outcome]).toEqual([1, 'waits'])
    await vi.advanceTimersByTimeAsync(32_000)
    expect(workers.map(({ terminated }) => terminated)).toEqual([true, false])
    expect(read.outcome).toContain('did not start within 60 s')
    await vi.advanceTimersByTimeAsync(85_000)
    expect(workers).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(workers).toHaveLength(3)
  })

  test.each(['by the constructor', 'by the policy'])('is refused %s: calls say so at once', async (by) => {
    const refusal = new UnavailableError('It is not allowed.')
    const { workers, call, failures, keeper } = createPage(({ handlers }) => {
      if (by === 'by the constructor') throw refusal
      setTimeout(() => handlers.onRefused(refusal), 10)
    })
    await vi.advanceTimersByTimeAsync(10)
    expect(failures).toEqual([[refusal, true]])
    await expect(call(get)).rejects.toBe(refusal)
    await expect(keeper.destroy()).rejects.toBe(refusal)
    keeper.signal('online')
    keeper.pause(true)
    keeper.freeze()
    keeper.resume()
    const waited = settled(keeper.wait(1_000))
    await vi.advanceTimersByTimeAsync(0)
    expect(waited.outcome).toBe('answered')
    await keeper.close()
    expect(workers).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a worker that takes the place of another is told that nobody sees the page', async () => {
  const { keeper, workers } = createPage(starting)
  await vi.advanceTimersByTimeAsync(10)
  for (const signal of ['hidden', 'online'] as const) keeper.signal(signal)
  workers[0]?.handlers.onFailure(notLoaded)
  await vi.advanceTimersByTimeAsync(10)
  keeper.signal('visible')
  workers[1]?.handlers.onFailure(notLoaded)
  expect(workers.map(({ signals }) => signals)).toEqual([['hidden', 'online'], ['hidden', 'visible'], []])
})

describe('a page that is frozen', () => {
  test('ends a worker that has not handed everything over, and starts another when it runs again', async () => {
    const { keeper, workers, call } = createPage((worker) => {
      worker.leaves = false
      starting(worker)
    })
    await vi.advanceTimersByTimeAsync(10)
    await call(subscribe)
    const [first] = workers
    if (first) first.deaf = true
    const write = settled(call(put))
    await vi.advanceTimersByTimeAsync(1)
    keeper.suspend()
    await vi.advanceTimersByTimeAsync(1)
    keeper.freeze()
    expect(first?.terminated).toBe(true)
    await vi.advanceTimersByTimeAsync(100_000)
    expect(workers).toHaveLength(1)
    keeper.resume()
    keeper.resume()
    expect(workers).toHaveLength(2)
    expect(workers[1]?.restored?.subscriptions).toEqual([subscribe.subscription])
    await vi.advanceTimersByTimeAsync(10)
    expect(workers[1]?.received).toEqual([put])
    expect(write.outcome).toBe('answered')
  })

  test('keeps one that has', async () => {
    const { keeper, workers } = createPage(starting)
    await vi.advanceTimersByTimeAsync(10)
    keeper.suspend()
    await vi.advanceTimersByTimeAsync(1)
    keeper.freeze()
    keeper.resume()
    expect(workers).toMatchObject([{ terminated: false, suspended: false }])
  })

  test('ends one that hangs as soon as it is told to hand over', async () => {
    const { keeper, workers } = createPage(starting)
    await vi.advanceTimersByTimeAsync(10)
    const [first] = workers
    if (first) first.hangs = true
    await vi.advanceTimersByTimeAsync(4_000)
    keeper.suspend()
    expect(first?.terminated).toBe(true)
    keeper.resume()
    expect(workers).toHaveLength(2)
  })
})

test('a worker that dies now and then is always replaced', async () => {
  const { workers, failures } = createPage(starting)
  for (let death = 1; death <= 6; death++) {
    await vi.advanceTimersByTimeAsync(120_000)
    workers.at(-1)?.handlers.onFailure(new UnavailableError('It died.'))
    expect(workers).toHaveLength(death + 1)
  }
  expect(failures.some(([, fatal]) => fatal)).toBe(false)
})

test('a wait ends in time although its worker does not live to its end', async () => {
  const { keeper, workers } = createPage(starting)
  await vi.advanceTimersByTimeAsync(10)
  const waited = settled(keeper.wait(1_000))
  workers[0]?.handlers.onFailure(new UnavailableError('It died.'))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(waited.outcome).toBe('answered')
})

describe('destroy()', () => {
  test('whose worker dies says so, and starts no other by itself; called again it goes on', async () => {
    let opened = 0
    const { keeper, workers } = createPage((worker) => {
      starting(worker)
      if (++opened === 1) worker.destroys = () => new Promise(() => undefined)
    })
    await vi.advanceTimersByTimeAsync(10)
    const died = new UnavailableError('It died.')
    const destroying = settled(keeper.destroy())
    await vi.advanceTimersByTimeAsync(10)
    workers[0]?.handlers.onFailure(died)
    await vi.advanceTimersByTimeAsync(100_000)
    expect(destroying.outcome).toBe('It died.')
    expect(workers).toHaveLength(1)
    await keeper.destroy()
    expect(workers).toHaveLength(2)
  })

  test('waits for no worker that cannot be loaded', async () => {
    const { keeper } = createPage((worker) => {
      worker.destroys = () => new Promise(() => undefined)
      failing(worker)
    })
    await vi.advanceTimersByTimeAsync(20)
    const destroying = settled(keeper.destroy())
    await vi.advanceTimersByTimeAsync(20)
    expect(destroying.outcome).toBe(notLoaded.message)
  })
})
