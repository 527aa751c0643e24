import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** What a document may name as a file of ours: `packages/…`, without wildcards and placeholders. */
const NAMED = /`((?:packages|examples|e2e|bench|scripts|docs)\/[\w./-]+)`/g
const LINKED = /\]\(([^)#\s]+)(?:#[^)\s]*)?\)/g
/** An address elsewhere. */
const ELSEWHERE = /^[a-z]+:/

/**
 * Finds links and file names in the Markdown documents that lead nowhere.
 * @param {string} root the project's directory
 * @returns {string[]} a line for each
 */
export function checkDocs(root) {
  return documentsOf(root).flatMap((file) => {
    const text = readFileSync(file, 'utf8').replace(/^```[\s\S]*?^```/gm, '')
    const linked = [...text.matchAll(LINKED)].flatMap(([, to = '']) =>
      ELSEWHERE.test(to) || existsSync(join(dirname(file), to)) ? [] : [`links to ${to}`],
    )
    const named = [...text.matchAll(NAMED)].flatMap(([, path = '']) =>
      existsSync(join(root, path)) ? [] : [`names ${path}`],
    )
    return [...linked, ...named].map((what) => `${relative(root, file)} ${what}, which is not there`)
  })
}

/** @param {string} root */
function documentsOf(root) {
  const top = readdirSync(root).filter((name) => name.endsWith('.md'))
  const below = ['docs', 'packages', 'examples', 'bench'].flatMap((folder) => markdownBelow(root, folder))
  return [...top, ...below].map((file) => join(root, file))
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
function markdownBelow(root, folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist') return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return markdownBelow(root, path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}
