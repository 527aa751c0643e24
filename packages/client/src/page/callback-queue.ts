/**
 * One subscriber's callback. While a promise that it returned is open, what comes waits, so that it is called for one
 * event at a time; what throws or rejects is reported and holds nothing up.
 */
export interface CallbackQueue<E> {
  push(event: E): void
  /** Events that are there anyway and take no room: a `watch` begins with as many as there are. */
  pushAll(events: readonly E[]): void
  /** Nothing is called any more. */
  stop(): void
}

export interface CallbackQueueOptions<E> {
  readonly callback: (event: E) => unknown
  /** How many pushed events may wait. */
  readonly limit: number
  report(error: unknown): void
  /** One more came; the queue has stopped. */
  onOverflow(): void
}

/** So many that are done with stay in memory. */
const KEPT = 1_024

export function createCallbackQueue<E extends object>(options: CallbackQueueOptions<E>): CallbackQueue<E> {
  const { callback, limit, report, onOverflow } = options
  let waiting: { readonly event: E; readonly counts: boolean }[] = []
  /** Where in `waiting` the next one is: taking from the front would move all that is behind. */
  let head = 0
  let counted = 0
  let running = false
  let stopped = false

  const stop = (): void => {
    stopped = true
    waiting = []
    head = 0
    counted = 0
  }

  const take = (): E | undefined => {
    const next = waiting[head]
    if (!next) return undefined
    head += 1
    if (next.counts) counted -= 1
    if (head === waiting.length || head === KEPT) {
      waiting = waiting.slice(head)
      head = 0
    }
    return next.event
  }

  /** The callback's promise, if it gave one. */
  const call = (event: E): PromiseLike<unknown> | undefined => {
    try {
      const result = callback(event)
      return isPromiseLike(result) ? result : undefined
    } catch (error) {
      report(error)
      return undefined
    }
  }

  const run = (): void => {
    running = true
    for (let event = take(); event !== undefined; event = take()) {
      const promise = call(event)
      if (!promise) continue
      promise.then(run, (error: unknown) => {
        report(error)
        run()
      })
      return
    }
    running = false
  }

  const push = (event: E): void => {
    if (stopped) return
    if (running && counted >= limit) {
      stop()
      onOverflow()
      return
    }
    waiting.push({ event, counts: true })
    counted += 1
    if (!running) run()
  }

  return {
    push,
    pushAll(events) {
      if (stopped) return
      for (const event of events) waiting.push({ event, counts: false })
      if (!running) run()
    },
    stop,
  }
}

/** Whether a callback's result is something to wait for, a promise of this realm or another. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
