import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { EngineFrame, EngineTab } from './driver/engine.js'

/** What crosses between a test and a page: plain JSON. */
type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** A document of the test page. */
export interface Frame {
  /**
   * Runs a function in the page, which sees nothing of what is around it here, and gives what it returns or throws.
   * Its result waits on `window` until it is asked for: Firefox's driver must not be kept waiting for long promises.
   */
  run<Result>(code: () => Result | Promise<Result>): Promise<Result>
  run<Result, Argument extends Json>(
    code: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>
}

export interface Tab extends Frame {
  goto(url: string): Promise<void>
  reload(): Promise<void>
  /** Asks for the page before this one; does not wait for it. */
  goBack(): Promise<void>
  /** Adds an iframe to the page and waits until it is loaded. */
  embed(url: string): Promise<Frame>
  /** Closes the tab at once: the page is not asked. */
  close(): Promise<void>
}

export function tabOf(tab: EngineTab): Tab {
  const frame = frameOf(tab)
  return {
    ...frame,
    goto: tab.goto,
    reload: tab.reload,
    async goBack() {
      await tab.evaluate('String(setTimeout(() => history.back()))')
    },
    async embed(url) {
      await frame.run(
        (src) =>
          new Promise<void>((resolve) => {
            const inner = document.createElement('iframe')
            inner.addEventListener('load', () => resolve(), { once: true })
            inner.src = src
            document.body.append(inner)
          }),
        url,
      )
      return frameOf(await tab.frame())
    },
    close: tab.close,
  }
}

type Outcome = { readonly value?: unknown } | { readonly error: string } | 'running' | 'unknown'

function frameOf({ evaluate }: EngineFrame): Frame {
  return {
    // The overloads say which arguments go together.
    async run(code: (argument: never) => unknown, argument?: Json) {
      const id = JSON.stringify(randomUUID())
      await evaluate(`(${begin})(${id}, () => (${code})(${JSON.stringify(argument)}))`)
      for (let patience = 10; ; patience = Math.min(patience * 1.5, 100)) {
        const outcome: Outcome = JSON.parse(await evaluate(`(${collect})(${id})`))
        if (outcome === 'unknown') throw new Error('The page has gone, and what ran in it')
        if (outcome !== 'running') {
          if ('error' in outcome) throw new Error(outcome.error)
          // JSON in, and out again: the function's result, as far as JSON carries it.
          return outcome.value as never
        }
        await wait(patience)
      }
    },
  }
}

type Outcomes = Window & { outcomes?: Record<string, unknown> }

/** In the page: runs the code and keeps what comes of it. */
function begin(id: string, code: () => unknown): string {
  const outcomes = (window as Outcomes).outcomes ?? {}
  Object.assign(window, { outcomes })
  outcomes[id] = 'running'
  const run = async () => code()
  run().then(
    (value) => {
      outcomes[id] = { value }
    },
    (error) => {
      outcomes[id] = { error: String(error instanceof Error ? `${error.name}: ${error.message}` : error) }
    },
  )
  return ''
}

/** In the page: hands over what was kept. */
function collect(id: string): string {
  const outcomes = (window as Outcomes).outcomes ?? {}
  const outcome = outcomes[id] ?? 'unknown'
  if (outcome !== 'running') delete outcomes[id]
  return JSON.stringify(outcome)
}
