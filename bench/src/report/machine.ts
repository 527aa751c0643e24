import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem, type } from 'node:os'

/** Where and with what a run was made. */
export interface Circumstances {
  readonly date: string
  readonly machine: string
  /** Load averages of 1, 5 and 15 minutes when the run began. */
  readonly load: readonly number[]
  readonly versions: { readonly [name: string]: string }
}

const LIBRARIES = [
  '@sqlite.org/sqlite-wasm',
  'better-sqlite3',
  'comlink',
  'dexie',
  'idb-keyval',
  'vite',
  'ws',
]

export function circumstances(chromium: string): Circumstances {
  const processors = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${processors.length} × ${processors[0]?.model ?? 'unknown processor'}, ${memory} GiB, ${type()} ${release()}`,
    load: loadavg().map((value) => Math.round(value * 100) / 100),
    versions: {
      dust: versionOf(new URL('../../package.json', import.meta.url)),
      node: process.versions.node,
      chromium,
      ...Object.fromEntries(LIBRARIES.map((name) => [name, installed(name)])),
    },
  }
}

function installed(name: string): string {
  return versionOf(new URL(`../../node_modules/${name}/package.json`, import.meta.url))
}

function versionOf(file: URL): string {
  const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'))
  const version =
    typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'version') : undefined
  if (typeof version !== 'string') throw new Error(`${file.pathname} has no version.`)
  return version
}
