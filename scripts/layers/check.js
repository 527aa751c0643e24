import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix, relative, sep } from 'node:path'
import { packageLayers, rootLayers, scope } from './order.js'
import { readSource } from './source.js'

/**
 * A folder that has a place in the layer order.
 * @typedef {object} Part
 * @property {string} folder relative to the root, with slashes
 * @property {string} name the package's name without its scope, or the folder for what is no package
 * @property {import('./order.js').Layer} layer
 */

const skippedFolders = new Set(['node_modules', 'dist', 'coverage', 'test-results'])
const sourceFile = /\.(ts|tsx|mts|js|jsx|mjs)$/
const testSource = /\.(test|bench)\.[jt]sx?$|(^|\/)(testing|test)\/|-suite\.ts$/

/**
 * Checks the layer order in the tree at `root`: imports of every source file, package.json dependencies and
 * tsconfig references. Sources of environment-free packages are also searched for browser, Node, clock and dice.
 * @param {string} root
 * @returns {string[]} one `file:line: sentence` for each offence, in file order
 */
export function checkLayers(root) {
  const { parts, problems } = findParts(root)
  for (const part of parts) {
    problems.push(...checkManifest(root, part), ...checkReferences(root, part))
    for (const file of sourcesBelow(root, part.folder)) problems.push(...checkSource(root, part, file))
  }
  return problems
}

/** @param {string} root */
function findParts(root) {
  /** @type {Part[]} */
  const parts = []
  /** @type {string[]} */
  const problems = []
  for (const name of foldersIn(join(root, 'packages'))) {
    const layer = packageLayers[name]
    if (layer === undefined)
      problems.push(`packages/${name}:1: has no place in the layer order: add it to scripts/layers/order.js.`)
    else parts.push({ folder: `packages/${name}`, name, layer })
  }
  for (const [name, layer] of Object.entries(rootLayers)) {
    if (!existsSync(join(root, name))) continue
    const folders =
      name === 'examples' ? foldersIn(join(root, name)).map((folder) => `${name}/${folder}`) : [name]
    parts.push(...folders.map((folder) => ({ folder, name: folder, layer })))
  }
  return { parts, problems }
}

/**
 * @param {string} root
 * @param {Part} part
 * @param {string} file relative to the root
 */
function checkSource(root, part, file) {
  const { imports, globals } = readSource(file, readFileSync(join(root, file), 'utf8'))
  const environmentFree =
    part.layer.environmentFree === true && file.includes('/src/') && !testSource.test(file)
  /** @type {string[]} */
  const problems = []
  for (const { text, line } of imports) {
    const problem =
      importProblem(root, part, file, text) ?? (environmentFree ? nodeProblem(part, text) : undefined)
    if (problem !== undefined) problems.push(`${file}:${line}: ${problem}`)
  }
  for (const { text, line } of environmentFree ? globals : []) {
    problems.push(
      `${file}:${line}: uses ${text}, but ${part.name} is environment-free: have it handed in through an interface.`,
    )
  }
  return problems
}

/**
 * @param {string} root
 * @param {Part} part
 * @param {string} file
 * @param {string} specifier
 */
function importProblem(root, part, file, specifier) {
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(file), specifier)
    const [top, folder] = target.split('/')
    const intoPackage = top === 'packages' && `packages/${folder}` !== part.folder
    if (intoPackage)
      return `reaches into packages/${folder} with "${specifier}": import ${scope}${folder} instead.`
    const leaves = !target.startsWith(`${part.folder}/`) && part.folder.startsWith('packages/')
    return leaves ? `leaves its package with "${specifier}": a package stands alone.` : undefined
  }
  if (!specifier.startsWith(scope)) return undefined
  // Vite's `?url` and its like say how to import, not what.
  const [name = '', ...subpath] = specifier.slice(scope.length).replace(/\?.*/, '').split('/')
  if (name === part.name) return undefined
  if (!part.layer.imports.includes(name)) return `imports ${specifier}, but ${upward(part)}`
  return publicProblem(root, name, subpath.join('/'))
}

/**
 * @param {string} root
 * @param {string} name
 * @param {string} subpath
 */
function publicProblem(root, name, subpath) {
  const manifest = readJson(join(root, 'packages', name, 'package.json'))
  const entry = subpath === '' ? '.' : `./${subpath}`
  if (manifest === undefined || Object.hasOwn(manifest.exports ?? {}, entry)) return undefined
  return `imports ${scope}${name}/${subpath}, which is not public: ${name}'s package.json does not export it.`
}

/**
 * @param {Part} part
 * @param {string} specifier
 */
function nodeProblem(part, specifier) {
  if (!specifier.startsWith('node:') && !builtinModules.includes(specifier)) return undefined
  return `imports ${specifier}, but ${part.name} is environment-free and runs in browsers too.`
}

/**
 * @param {string} root
 * @param {Part} part
 */
function checkManifest(root, part) {
  const file = `${part.folder}/package.json`
  const manifest = readJson(join(root, file))
  if (manifest === undefined) return []
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  const kinds = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies']
  return kinds.flatMap((kind) => {
    const allowed = [
      ...part.layer.imports,
      ...(kind === 'devDependencies' ? (part.layer.alsoForTools ?? []) : []),
    ]
    return Object.keys(manifest[kind] ?? {})
      .filter((name) => name.startsWith(scope) && !allowed.includes(name.slice(scope.length)))
      .map((name) => `${file}:${lineOf(lines, `"${name}"`)}: ${kind} names ${name}, but ${upward(part)}`)
  })
}

/**
 * @param {string} root
 * @param {Part} part
 */
function checkReferences(root, part) {
  const file = `${part.folder}/tsconfig.json`
  const config = readJson(join(root, file))
  if (config === undefined) return []
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  /** @type {{ path: string }[]} */
  const references = config.references ?? []
  return references.flatMap(({ path }) => {
    const name = /^packages\/([^/]+)/.exec(posix.join(part.folder, path))?.[1]
    const allowed = [part.name, ...part.layer.imports, ...(part.layer.alsoForTools ?? [])]
    if (name === undefined || allowed.includes(name)) return []
    return [`${file}:${lineOf(lines, `"${path}"`)}: references ${path}, but ${upward(part)}`]
  })
}

/** @param {Part} part */
function upward(part) {
  const { imports } = part.layer
  return `${part.name} may import ${imports.length === 0 ? 'no other package' : `only ${imports.join(', ')}`} (imports point down).`
}

/**
 * @param {string[]} lines
 * @param {string} text
 */
function lineOf(lines, text) {
  return lines.findIndex((line) => line.includes(text)) + 1
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
function sourcesBelow(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = relative(root, join(root, folder, entry.name))
        .split(sep)
        .join('/')
      if (entry.isDirectory()) return skippedFolders.has(entry.name) ? [] : sourcesBelow(root, path)
      return sourceFile.test(entry.name) ? [path] : []
    })
}

/** @param {string} folder */
function foldersIn(folder) {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory() && !skippedFolders.has(entry.name))
    .map((entry) => entry.name)
    .sort()
}

/** @param {string} file */
function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}
