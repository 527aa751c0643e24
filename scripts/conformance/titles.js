import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const ROOTS = ['packages', 'e2e', 'examples']
const SKIPPED = new Set(['node_modules', 'dist'])
const TEST_FILE = /\.(test|spec)\.ts$/
// A title names its cases at its beginning. It is any string of a test file, as tables of `test.each` hold titles too.
const NAMED_CASES = /['"`]([A-M]\d\d(?:(?:,? |–)[A-M]\d\d)*)(?=[ '"`])/g
const CASE = /([A-M])(\d\d)(?:–[A-M](\d\d))?/g

/**
 * Which test files name which case at the beginning of a title: by case id, the files from the project's root.
 * @param {string} root
 * @returns {Map<string, string[]>}
 */
export function findCoverage(root) {
  /** @type {Map<string, string[]>} */
  const found = new Map()
  for (const path of ROOTS.flatMap((folder) => testFiles(join(root, folder)))) {
    for (const id of casesIn(readFileSync(path, 'utf8'))) {
      found.set(id, [...(found.get(id) ?? []), relative(root, path)])
    }
  }
  return found
}

/**
 * The cases that the titles in a source text name; `I12–I16` names all five.
 * @param {string} source
 * @returns {Set<string>}
 */
export function casesIn(source) {
  /** @type {Set<string>} */
  const cases = new Set()
  for (const [, names = ''] of source.matchAll(NAMED_CASES)) {
    for (const [, part, first, last = first] of names.matchAll(CASE)) {
      for (let number = Number(first); number <= Number(last); number += 1) {
        cases.add(`${part}${String(number).padStart(2, '0')}`)
      }
    }
  }
  return cases
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !SKIPPED.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((item) => {
      const path = join(folder, item.name)
      if (item.isDirectory()) return testFiles(path)
      return TEST_FILE.test(item.name) ? [path] : []
    })
}
