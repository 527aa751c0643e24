import type {} from '../page/main.js'

/**
 * What a writer writes, over and over; the n-th time it writes `n`:
 * `put` an entry of its own, `count` 1 on its counter, `batch` an entry and 1 on the counter of all, `add` a member to
 * its set, `register` the one value that it keeps overwriting.
 */
export type Kind = 'put' | 'count' | 'batch' | 'add' | 'register'

export interface WriterOptions {
  readonly name: string
  /** The n-th write is of the kind at n, from the start again at the end. */
  readonly program: readonly Kind[]
  readonly paceMs: number
  /** How many calls may be open. */
  readonly window: number
}

/** What a writer tells the suite, at once. Times are of the machine's clock, ms. */
export type Report = { readonly writer: string } & (
  | {
      readonly type: 'acked'
      readonly n: number
      readonly from: number
      readonly to: number
      readonly opIds: string[]
    }
  | { readonly type: 'committed'; readonly n: number; readonly revisions: number[] }
  | {
      readonly type: 'read'
      readonly from: number
      readonly to: number
      readonly expected: number
      readonly got: number
    }
  | { readonly type: 'failed'; readonly what: string; readonly error: string }
)

/** What `on` has told of the entries that writers put: from one call of it to the next, without a gap. */
export interface Told {
  readonly runs: readonly (readonly number[])[]
}

declare global {
  interface Window {
    /** Tells the suite. */
    report(reports: readonly Report[]): void
    chaos?: {
      /** Issues nothing more; says how many writes there were. */
      stop(): number
      told(): Told
    }
  }
}

/** Starts writing, in the page; sees nothing of what is around it here. */
export function startWriter({ name, program, paceMs, window: most }: WriterOptions): void {
  const { store } = window
  let [issued, open, lastRegister, stopped] = [0, 0, -1, false]
  let reports: Report[] = []

  const report = (one: Report) => {
    // All that is told in one tick goes in one message, before anything else can happen.
    if (reports.push(one) > 1) return
    queueMicrotask(() => {
      window.report(reports)
      reports = []
    })
  }
  const failed = (what: string) => (error: unknown) => {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    report({ type: 'failed', writer: name, what, error: text })
  }

  const write = (kind: Kind, n: number) => {
    if (kind === 'put') return store.put(`ledger/${name}/${n}`, n)
    if (kind === 'count') return store.increment(`counters/${name}`)
    if (kind === 'add') return store.add(`sets/${name}`, n)
    if (kind === 'register') return store.put(`registers/${name}`, n)
    return store.batch((batch) => {
      batch.put(`batches/${name}/${n}`, n)
      batch.increment('counter')
    })
  }

  const issue = () => {
    const n = issued++
    // The index is within the list.
    const kind = program[n % program.length] as Kind
    const from = Date.now()
    open += 1
    const promise = write(kind, n)
    promise
      .then(
        (receipts) => {
          const opIds = [receipts].flat().map(({ opId }) => opId)
          if (kind === 'register') lastRegister = n
          report({ type: 'acked', writer: name, n, from, to: Date.now(), opIds })
        },
        failed(`${kind} ${n}`),
      )
      .finally(() => {
        open -= 1
      })
    promise.committed.then(
      (committed) => {
        const revisions = [committed].flat().map(({ revision }) => revision)
        report({ type: 'committed', writer: name, n, revisions })
      },
      failed(`${kind} ${n}, committed`),
    )
  }

  /** What this tab has written it reads. */
  const read = () => {
    const [from, expected] = [Date.now(), lastRegister]
    open += 1
    store
      .get<number>(`registers/${name}`)
      .then((got = -1) => {
        report({ type: 'read', writer: name, from, to: Date.now(), expected, got })
      }, failed('get'))
      .finally(() => {
        open -= 1
      })
  }

  const turn = () => {
    if (stopped) return
    if (open < most) issue()
    if (open < most && issued % 3 === 0) read()
    setTimeout(turn, paceMs)
  }

  const runs: number[][] = []
  const listen = () => {
    const run: number[] = []
    runs.push(run)
    store.on('ledger/**', ({ storeSeq }) => void (storeSeq !== undefined && run.push(storeSeq)), {
      mode: 'committed',
      maxQueueSize: 1e6,
      onResync: listen,
    })
  }

  listen()
  turn()
  window.chaos = {
    stop() {
      stopped = true
      return issued
    },
    told: () => ({ runs }),
  }
}
