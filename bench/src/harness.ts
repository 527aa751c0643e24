import { openProfile, type PageServer, type Profile, servePage } from './browser/pages.js'
import type { PeerName } from './page/peers/peer.js'
import type { Bench } from './scenarios/scenario.js'
import { type DustAddress, type ReadyProcess, startDustServer } from './server/process.js'

const FILLED: readonly PeerName[] = ['dust', 'idb-keyval', 'dexie', 'sqlite']

/** The bench's surroundings, started when first asked for and stopped by `close`. */
export interface Harness {
  readonly bench: Bench
  /** Of the browser that was used, or a dash. */
  chromiumVersion(): string
  close(): Promise<void>
}

export function createHarness({ quick }: { readonly quick: boolean }): Harness {
  let server: Promise<ReadyProcess<DustAddress>> | undefined
  let pages: Promise<PageServer> | undefined
  let profile: Promise<Profile> | undefined
  let chromium = '–'

  const log = (line: string): void => void process.stderr.write(`${line}\n`)

  const address = async (): Promise<DustAddress> => {
    server ??= startDustServer()
    return (await server).ready
  }

  const emptyProfile = async (): Promise<Profile> => {
    pages ??= servePage()
    const opened = await openProfile((await pages).url)
    chromium = opened.version
    return opened
  }

  const filledProfile = async (): Promise<Profile> => {
    const session = await address()
    const opened = await emptyProfile()
    log('filling every peer with 10,000 entries')
    const tab = await opened.open()
    for (const peer of FILLED) await tab.call.fill(peer, session)
    await tab.call.close()
    await tab.close()
    return opened
  }

  return {
    bench: {
      quick,
      rounds: quick ? 1 : 5,
      log,
      server: address,
      emptyProfile,
      profile() {
        profile ??= filledProfile()
        return profile
      },
    },
    chromiumVersion: () => chromium,
    async close() {
      await (await profile)?.close()
      await (await pages)?.close()
      await (await server)?.close()
    },
  }
}
