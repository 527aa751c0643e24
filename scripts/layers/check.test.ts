import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkLayers } from './check.js'

let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dust-layers-'))
  const exports = { '.': './src/index.ts', './testing': './src/testing/index.ts' }
  write('packages/protocol/package.json', JSON.stringify({ exports }))
  write('packages/client/package.json', JSON.stringify({ exports }))
})

afterEach(() => rmSync(root, { recursive: true }))

function write(file: string, ...lines: string[]): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), lines.join('\n'))
}

test('imports that point down are fine', () => {
  write('packages/client/src/a.ts', "import { parsePath } from '@dustlayer/protocol'", "import './b.js'")
  write(
    'packages/sync/src/a.test.ts',
    "import '@dustlayer/protocol/testing'",
    "import 'node:fs'",
    'setTimeout(() => {}, 1)',
  )
  write('examples/tasks/src/main.ts', "import { createDust } from '@dustlayer/client'", 'document.title')
  write(
    'e2e/tabs.test.ts',
    "import { dust } from '@dustlayer/protocol'",
    "import '../examples/tasks/vite.config.js'",
  )
  expect(checkLayers(root)).toEqual([])
})

test.each([
  ['import', "import { createDust } from '@dustlayer/client'"],
  ['type import', "import type { Dust } from '@dustlayer/client'"],
  ['re-export', "export * from '@dustlayer/client'"],
  ['dynamic import', "const { createDust } = await import('@dustlayer/client')"],
  ['import type in a type', "type Dust = import('@dustlayer/client').Dust"],
  ['require', "const dust = require('@dustlayer/client')"],
])('an upward %s is refused with its line', (_, line) => {
  write('packages/server/src/a.ts', '// first line', line)
  expect(checkLayers(root)).toEqual([
    'packages/server/src/a.ts:2: imports @dustlayer/client, but server may import only protocol (imports point down).',
  ])
})

test('imports in comments and strings are not imports', () => {
  write(
    'packages/protocol/src/a.ts',
    "// import '@dustlayer/client'",
    'export const text = "import(\'@dustlayer/client\')"',
  )
  expect(checkLayers(root)).toEqual([])
})

test('upward imports are refused in tests too', () => {
  write('packages/sync/src/a.test.ts', "import '@dustlayer/server'")
  expect(checkLayers(root)).toHaveLength(1)
})

test('only public entries may be imported', () => {
  write('e2e/a.ts', "import '@dustlayer/protocol/dist/path.js'", "import '../packages/protocol/src/path.js'")
  expect(checkLayers(root)).toEqual([
    "e2e/a.ts:1: imports @dustlayer/protocol/dist/path.js, which is not public: protocol's package.json does not export it.",
    'e2e/a.ts:2: reaches into packages/protocol with "../packages/protocol/src/path.js": import @dustlayer/protocol instead.',
  ])
})

test('a package does not leave its folder', () => {
  write('packages/sync/src/a.ts', "import '../../../e2e/server.js'")
  expect(checkLayers(root)).toEqual([
    'packages/sync/src/a.ts:1: leaves its package with "../../../e2e/server.js": a package stands alone.',
  ])
})

test('dependencies point down, and examples may start the server but not import it', () => {
  const manifest = {
    dependencies: { '@dustlayer/server': '1' },
    devDependencies: { '@dustlayer/server': '1' },
  }
  write('examples/tasks/package.json', JSON.stringify(manifest, null, 2))
  write(
    'packages/sync/package.json',
    JSON.stringify({ devDependencies: { '@dustlayer/server': '1' } }, null, 2),
  )
  expect(checkLayers(root)).toEqual([
    'packages/sync/package.json:3: devDependencies names @dustlayer/server, but sync may import only protocol, replica (imports point down).',
    'examples/tasks/package.json:3: dependencies names @dustlayer/server, but examples/tasks may import only client (imports point down).',
  ])
})

test('project references point down', () => {
  write(
    'packages/replica/tsconfig.json',
    '{',
    '  "references": [{ "path": "../protocol" }, { "path": "../sync" }]',
    '}',
  )
  expect(checkLayers(root)).toEqual([
    'packages/replica/tsconfig.json:2: references ../sync, but replica may import only protocol (imports point down).',
  ])
})

test('a package without a place in the order is refused', () => {
  write('packages/extra/src/a.ts', '')
  expect(checkLayers(root)).toEqual([
    'packages/extra:1: has no place in the layer order: add it to scripts/layers/order.js.',
  ])
})

test('environment-free packages know no browser, no Node, no clock and no dice', () => {
  write(
    'packages/sync/src/a.ts',
    "import { readFileSync } from 'node:fs'",
    'export const socket = new WebSocket(url)',
    'export const agent = globalThis.navigator.userAgent',
    'setTimeout(run, Date.now() + Math.random())',
    'export const today = new Date()',
  )
  const found = checkLayers(root).map((problem) =>
    /:(\d+): (?:imports|uses) ([^,]+),/.exec(problem)?.slice(1).join(' '),
  )
  expect(found).toEqual([
    '1 node:fs',
    '2 WebSocket',
    '3 globalThis.navigator',
    '4 setTimeout',
    '4 Date.now',
    '4 Math.random',
    '5 new Date()',
  ])
})

test('own names and properties that look like globals are not globals', () => {
  write(
    'packages/sync/src/a.ts',
    'interface Shape { location: string; self: boolean; process(): void }',
    'export function read({ location, caches = 1 }: Shape, crypto: unknown) {',
    '  return { window: location, ...crypto, fetch: caches }',
    '}',
    'export const at = read(shape).window.document',
  )
  expect(checkLayers(root)).toEqual([])
})
