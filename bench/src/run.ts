import { readFileSync, writeFileSync } from 'node:fs'
import { createHarness } from './harness.js'
import { parseOptions, USAGE } from './options.js'
import { circumstances } from './report/machine.js'
import { type Results, renderReport } from './report/report.js'
import { SCENARIOS } from './scenarios/all.js'
import type { Section } from './section.js'

const RESULTS = new URL('../results.json', import.meta.url)
const REPORT = new URL('../RESULTS.md', import.meta.url)

const options = parseOptions(process.argv.slice(2))
if (options.list) {
  process.stdout.write(`${USAGE}\n${SCENARIOS.map(({ name }) => `  ${name}`).join('\n')}\n`)
} else {
  await run()
}

async function run(): Promise<void> {
  const chosen = SCENARIOS.filter(({ name }) => options.only.length === 0 || options.only.includes(name))
  const unknown = options.only.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name))
  if (unknown.length > 0)
    throw new Error(`There is no scenario ${unknown.join(', ')}. See pnpm bench --list.`)

  const harness = createHarness(options)
  const before = circumstances('–')
  const sections: Section[] = []
  try {
    for (const scenario of chosen) {
      const start = performance.now()
      harness.bench.log(scenario.name)
      sections.push(await scenario.run(harness.bench))
      harness.bench.log(`  ${((performance.now() - start) / 1_000).toFixed(1)} s`)
    }
  } finally {
    await harness.close()
  }
  const versions = { ...before.versions, chromium: harness.chromiumVersion() }
  const results: Results = { circumstances: { ...before, versions }, sections }
  if (options.quick || options.only.length > 0) {
    process.stdout.write(renderReport(results))
    return
  }
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 1)}\n`)
  writeFileSync(REPORT, renderReport(results))
  process.stdout.write(readFileSync(REPORT, 'utf8'))
}
