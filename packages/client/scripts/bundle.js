// Makes the files of dist/ that stand alone: the worker with all it needs, and the main thread's part for pages
// without a bundler. Runs on what tsc has put there.
import { copyFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const dist = new URL('../dist/', import.meta.url)
/** @param {string} file */
const inDist = (file) => fileURLToPath(new URL(file, dist))

/**
 * @type {import('rolldown').Plugin}
 *
 * The library refers to files that we do not ship: helpers of VFSs and of an API that we do not use, and its own
 * guess where the wasm is. Bundlers follow such references wherever they stand, so they must go.
 */
const sqliteAlone = {
  name: 'sqlite-alone',
  transform: {
    filter: { id: /@sqlite\.org\/sqlite-wasm\/dist\/index\.mjs$/ },
    handler(code) {
      let rest = code
      /** @param {string | RegExp} pattern @param {string} replacement */
      const cut = (pattern, replacement) => {
        const shorter = rest.replace(pattern, replacement)
        if (shorter === rest)
          throw new Error(`sqlite-wasm has changed: ${pattern} is not in it. See scripts/bundle.js.`)
        rest = shorter
      }
      cut(/\/\/#region src\/bin\/sqlite3-worker1-promiser\.mjs.*?\/\/#endregion/s, '')
      cut(/^const sqlite3Worker1Promiser\$1 = .*$/m, '')
      cut('sqlite3Worker1Promiser$1 as sqlite3Worker1Promiser', '')
      cut('new URL("sqlite3-opfs-async-proxy.js", import.meta.url)', 'new URL("about:blank")')
      cut('new URL("sqlite3.wasm", import.meta.url).href', '""')
      return { code: rest, map: null }
    },
  },
}

/**
 * The workspace's own place of a dependency is nowhere on the user's disk, and Parcel fails to build when it wants to
 * read it. npm puts packages beside ours.
 * @param {string} source
 */
const whereInstalled = (source) =>
  source.replace(/^.*\/node_modules\/\.pnpm\/[^/]+\/node_modules\//, '../../../')

/** @param {string} input @param {string} output */
async function bundle(input, output) {
  const build = await rolldown({
    input: inDist(input),
    platform: 'browser',
    plugins: [sqliteAlone],
    // Everything must be inlined: an import that is left would have to be resolved by the browser.
    external: [],
    onLog(level, log) {
      if (level === 'warn') throw new Error(`${output}: ${log.message}`)
    },
  })
  await build.write({
    file: inDist(output),
    format: 'esm',
    sourcemap: true,
    sourcemapPathTransform: whereInstalled,
    codeSplitting: false,
    // Tells tools that look at the file alone that it is a module; the worker has no export otherwise.
    footer: 'export {}',
    minify: { compress: true, mangle: true, codegen: { removeWhitespace: true } },
  })
  await build.close()
}

await bundle('worker/main.js', 'worker.js')
await bundle('index.js', 'standalone.js')
const require = createRequire(import.meta.url)
await copyFile(require.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm'), inDist('sqlite3.wasm'))
