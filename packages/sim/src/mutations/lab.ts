import { fileURLToPath } from 'node:url'
import { createServer, createServerModuleRunner, type Plugin } from 'vite'
import type { Edit, Mutation } from './mutation.js'

/** The simulator as it is loaded together with the sources that a mutation has changed. */
export type SimModule = typeof import('../report.js')

/** Loads the simulator, and all that it simulates, from sources with a bug in them. */
export interface Lab {
  /** @throws Error when the text to be replaced does not occur exactly once. */
  load(mutation: Mutation | null): Promise<SimModule>
  close(): Promise<void>
}

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const PACKAGES = `${ROOT}packages/`
const ENTRY = fileURLToPath(new URL('../report.ts', import.meta.url))

/** Sources are transformed once; every load evaluates them anew and transforms only what its mutation changes. */
export async function createLab(): Promise<Lab> {
  let current: Mutation | null = null
  let applied = new Set<Edit>()

  const mutate: Plugin = {
    name: 'mutation',
    enforce: 'pre',
    transform(code, id) {
      const edits = current?.edits.filter(({ file }) => id === PACKAGES + file) ?? []
      if (edits.length === 0) return undefined
      for (const edit of edits) applied.add(edit)
      return { code: edits.reduce(apply, code), map: null }
    },
  }

  const conditions = ['dustlayer-source']
  const server = await createServer({
    root: ROOT,
    configFile: false,
    logLevel: 'silent',
    appType: 'custom',
    plugins: [mutate],
    resolve: { conditions },
    ssr: { resolve: { conditions } },
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, ws: false, hmr: false, watch: null },
  })
  const { ssr } = server.environments

  const forget = (mutation: Mutation | null): void => {
    for (const { file } of mutation?.edits ?? []) {
      for (const module of ssr.moduleGraph.getModulesByFile(PACKAGES + file) ?? [])
        ssr.moduleGraph.invalidateModule(module)
    }
  }

  return {
    async load(mutation) {
      forget(current)
      forget(mutation)
      current = mutation
      applied = new Set()
      const runner = createServerModuleRunner(ssr, { hmr: false })
      // The entry is the module that the type names.
      const sim = (await runner.import(ENTRY)) as SimModule
      // A mutation that is never loaded proves nothing.
      const idle = mutation?.edits.find((edit) => !applied.has(edit))
      if (idle) throw new Error(`The simulator does not load ${idle.file}.`)
      return sim
    },
    close: () => server.close(),
  }
}

function apply(code: string, { file, find, replace }: Edit): string {
  const parts = code.split(find)
  if (parts.length === 2) return parts.join(replace)
  throw new Error(`${file} has the text to replace ${parts.length - 1} times, and not once:\n${find}`)
}
