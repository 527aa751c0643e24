import { parseSync } from 'vite'
import { environmentGlobals, environmentMembers } from './order.js'

/**
 * @typedef {object} Mention
 * @property {string} text the imported specifier, or the global that is used
 * @property {number} line counted from 1
 */

/**
 * What a source file reaches for: every module it imports, in any form, and every environment global it uses.
 * @param {string} file decides the language by its ending
 * @param {string} text
 * @returns {{ imports: Mention[], globals: Mention[] }}
 */
export function readSource(file, text) {
  const { program, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`)

  const lineAt = lineCounter(text)
  /** @type {Mention[]} */
  const imports = []
  /** @type {Mention[]} */
  const globals = []
  const declared = new Set()
  walk(program, (node, parent, key) => {
    const specifier = importedSpecifier(node)
    if (specifier !== undefined) imports.push({ text: specifier, line: lineAt(node.start) })
    const name = usedGlobal(node, parent, key)
    if (name !== undefined) globals.push({ text: name, line: lineAt(node.start) })
    for (const local of declaredNames(node)) declared.add(local)
  })
  // A name that the file declares anywhere is its own; looking at scopes would catch hardly more.
  return { imports, globals: globals.filter((global) => !declared.has(global.text)) }
}

/**
 * A node of the ESTree, which is walked without knowing each kind.
 * @typedef {{ type: string, start: number, [key: string]: any }} Node
 */

/** @param {Node} node */
function importedSpecifier(node) {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      // A computed import has no literal; `export { a }` has no source at all.
      return typeof node.source?.value === 'string' ? node.source.value : undefined
    case 'TSExternalModuleReference':
      return node.expression.value
    case 'CallExpression':
      return node.callee.name === 'require' ? node.arguments[0]?.value : undefined
    default:
      return undefined
  }
}

/**
 * @param {Node} node
 * @param {Node | undefined} parent
 * @param {string} key
 */
function usedGlobal(node, parent, key) {
  if (node.type === 'MetaProperty' && node.meta.name === 'import') return 'import.meta'
  if (node.type === 'NewExpression' && node.callee.name === 'Date' && node.arguments.length === 0)
    return 'new Date()'
  if (node.type === 'MemberExpression' && !node.computed) {
    const member = `${node.object.name}.${node.property.name}`
    if (environmentMembers.has(member)) return member
    if (node.object.name === 'globalThis' && environmentGlobals.has(node.property.name)) return member
  }
  if (node.type !== 'Identifier' || !environmentGlobals.has(node.name)) return undefined
  return isReference(parent, key) ? node.name : undefined
}

/**
 * Whether an identifier in this place stands for a variable, and is not a property's or a type's name.
 * @param {Node | undefined} parent
 * @param {string} key
 */
function isReference(parent, key) {
  if (parent === undefined) return true
  if (parent.type.startsWith('TS'))
    return ['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression'].includes(parent.type)
  if (parent.type === 'MemberExpression') return key !== 'property' || parent.computed
  if (key === 'key') return parent.computed || parent.shorthand
  return ![
    'ImportSpecifier',
    'ExportSpecifier',
    'LabeledStatement',
    'BreakStatement',
    'ContinueStatement',
  ].includes(parent.type)
}

/**
 * The names that a node binds.
 * @param {Node} node
 * @returns {string[]}
 */
function declaredNames(node) {
  switch (node.type) {
    case 'VariableDeclarator':
      return patternNames(node.id)
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return [...patternNames(node.id), ...(node.params ?? []).flatMap(patternNames)]
    case 'ClassDeclaration':
      return patternNames(node.id)
    case 'CatchClause':
      return patternNames(node.param)
    case 'ImportSpecifier':
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
      return [node.local.name]
    default:
      return []
  }
}

/**
 * @param {Node | null | undefined} pattern
 * @returns {string[]}
 */
function patternNames(pattern) {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name]
    case 'AssignmentPattern':
      return patternNames(pattern.left)
    case 'RestElement':
      return patternNames(pattern.argument)
    case 'ArrayPattern':
      return pattern.elements.flatMap(patternNames)
    case 'ObjectPattern':
      return pattern.properties.flatMap((/** @type {Node} */ property) =>
        patternNames(property.value ?? property),
      )
    default:
      return []
  }
}

/**
 * @param {Node} node
 * @param {(node: Node, parent: Node | undefined, key: string) => void} visit
 * @param {Node} [parent]
 * @param {string} [key]
 */
function walk(node, visit, parent, key = '') {
  visit(node, parent, key)
  for (const [childKey, child] of Object.entries(node)) {
    for (const item of Array.isArray(child) ? child : [child]) {
      if (typeof item?.type === 'string') walk(item, visit, node, childKey)
    }
  }
}

/** @param {string} text */
function lineCounter(text) {
  return (/** @type {number} */ offset) => text.slice(0, offset).split('\n').length
}
