// node scripts/conformance.js [--write]: checks docs/conformance.md against the cases and the tests, or writes it anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { coverageFaults, renderDocument } from './conformance/document.js'
import { findCoverage } from './conformance/titles.js'
import { projectRoot } from './setup/project.js'

const documentPath = join(projectRoot, 'docs/conformance.md')
const coverage = {
  cases: readJson('cases.json'),
  exceptions: readJson('exceptions.json'),
  tests: findCoverage(projectRoot),
}

const faults = coverageFaults(coverage)
const text = renderDocument(coverage)
if (process.argv.includes('--write')) writeFileSync(documentPath, text)
else if (readFileSync(documentPath, 'utf8') !== text) {
  faults.push('docs/conformance.md is out of date. Run: node scripts/conformance.js --write')
}
for (const fault of faults) process.stderr.write(`${fault}\n`)
process.exitCode = faults.length === 0 ? 0 : 1

/** @param {string} name */
function readJson(name) {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'conformance', name), 'utf8'))
}
