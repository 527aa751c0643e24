import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FullConfig, FullResult, Reporter, Suite, TestCase, TestResult } from '@playwright/test/reporter'
import { replaceTable } from './browsers-page.js'

const PAGE = fileURLToPath(new URL('../../docs/browsers.md', import.meta.url))

/** Writes what was run in which engine, with its version, into docs/browsers.md (`pnpm browsers`). */
class BrowsersReport implements Reporter {
  /** Engine as it calls itself -> titles that passed in it. */
  readonly #passed = new Map<string, Set<string>>()
  /** In their order, which is not that in which they end. */
  #titles: string[] = []

  onBegin(_config: FullConfig, suite: Suite): void {
    this.#titles = [...new Set(suite.allTests().map(({ title }) => title))]
  }

  onTestEnd(test: TestCase, { status, annotations }: TestResult): void {
    const engine = annotations.find(({ type }) => type === 'engine')?.description
    if (engine === undefined || status !== 'passed') return
    this.#passed.set(engine, (this.#passed.get(engine) ?? new Set()).add(test.title))
  }

  onEnd({ status }: FullResult): void {
    if (status !== 'passed') {
      console.log(`\ndocs/browsers.md stays as it was: the run has ${status}.`)
      return
    }
    const page = readFileSync(PAGE, 'utf8')
    writeFileSync(
      PAGE,
      replaceTable(page, {
        titles: this.#titles,
        passed: this.#passed,
        system: systemName(),
        at: new Date(),
      }),
    )
    console.log('\ndocs/browsers.md has been written.')
  }

  printsToStdio(): boolean {
    return false
  }
}

export default BrowsersReport

function systemName(): string {
  const file = '/etc/os-release'
  const name = existsSync(file) ? readFileSync(file, 'utf8').match(/^PRETTY_NAME="(.*)"$/m)?.[1] : undefined
  return `${name ?? process.platform}, ${process.arch}, Node ${process.versions.node}`
}
