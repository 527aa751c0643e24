import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'
import type { Row } from '../section.js'
import type { Scenario } from './scenario.js'

const ROOT = new URL('../../', import.meta.url).pathname

/** What an app must import to open each library and write to it. */
const APPS: { readonly [subject: string]: string } = {
  dust: 'shipped/dust.ts',
  'idb-keyval': 'shipped/idb-keyval.ts',
  dexie: 'shipped/dexie.ts',
  sqlite: 'shipped/sqlite.ts',
}

export const shippedBytes: Scenario = {
  name: 'shipped-bytes',
  async run() {
    const rows: Row[] = []
    for (const [subject, entry] of Object.entries(APPS)) rows.push({ subject, values: await sizesOf(entry) })
    return {
      name: 'shipped-bytes',
      title: 'Bytes shipped to the page',
      notes: ['Minified and gzipped, as Vite builds an app that opens the library and writes once.'],
      columns: (['main thread', 'worker', 'wasm', 'total'] as const).map((name) => ({
        name,
        unit: 'bytes' as const,
      })),
      reference: 'dust',
      rows,
    }
  },
}

async function sizesOf(entry: string): Promise<Row['values']> {
  const outDir = join(ROOT, 'dist/shipped-bytes')
  await build({
    root: ROOT,
    configFile: join(ROOT, 'vite.config.ts'),
    build: {
      outDir,
      rolldownOptions: { input: join(ROOT, 'src', entry), output: { entryFileNames: 'main.js' } },
    },
  })
  const sizes = { 'main thread': 0, worker: 0, wasm: 0, total: 0 }
  for (const file of await readdir(outDir, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || !/\.(js|mjs|wasm)$/.test(file.name)) continue
    const part = file.name.endsWith('.wasm') ? 'wasm' : file.name === 'main.js' ? 'main thread' : 'worker'
    const bytes = gzipSync(await readFile(join(file.parentPath, file.name)), { level: 9 }).length
    sizes[part] += bytes
    sizes.total += bytes
  }
  await rm(outDir, { recursive: true, force: true })
  return Object.fromEntries(
    Object.entries(sizes).map(([part, bytes]) => [part, { median: bytes, rounds: [bytes] }]),
  )
}
