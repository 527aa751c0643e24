import type { Store, Write } from '@dustlayer/client'
import { buildNameIndex, chunkIndex } from './name-index.js'

export interface ImportProgress {
  /** Writes in all; known from the start. */
  readonly total: number
  /** Durable on this device. */
  readonly saved: number
  /** Accepted by the server. */
  readonly committed: number
}

/** Tells that an import was finished. */
export const COMPLETE = 'world-import/complete'

const WRITES_AT_ONCE = 25
const KEYS_IN_A_WRITE = 400

/**
 * Puts the countries below `world/<code>` and their names below `world-index/`. The data is a chunk of its own that is loaded
 * only now. The next batch waits until this one is durable here, not until the server has it: the import works offline.
 * Resolves when everything is saved on this device; `committed` of the result when the server has accepted it all.
 */
export async function importWorld(
  store: Store,
  onProgress: (progress: ImportProgress) => void,
): Promise<{ committed: Promise<void> }> {
  const { default: countries } = await import('world-countries')
  const jobs: (() => Write)[] = [
    ...countries.map((country) => () => store.put(`world/${country.cca3}`, country)),
    ...chunkIndex(buildNameIndex(countries), KEYS_IN_A_WRITE).map(
      (part) => () => store.merge('world-index', part),
    ),
    // Ops are applied in the order in which they were made, so whoever sees this one has all the others.
    () => store.put(COMPLETE, true),
  ]
  let progress: ImportProgress = { total: jobs.length, saved: 0, committed: 0 }
  const advance = (step: Partial<ImportProgress>): void => {
    progress = { ...progress, ...step }
    onProgress(progress)
  }
  const verdicts: Promise<void>[] = []
  const follow = (write: Write): void => {
    const verdict = write.committed.then(() => advance({ committed: progress.committed + 1 }))
    // Whoever called handles it, when all is saved; until then it must not count as unhandled.
    verdict.catch(() => undefined)
    verdicts.push(verdict)
  }

  advance({})
  for (let i = 0; i < jobs.length; i += WRITES_AT_ONCE) {
    const writes = jobs.slice(i, i + WRITES_AT_ONCE).map((write) => write())
    for (const write of writes) follow(write)
    await Promise.all(writes)
    advance({ saved: progress.saved + writes.length })
  }
  return { committed: Promise.all(verdicts).then(() => undefined) }
}
