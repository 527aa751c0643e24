import { createLocalChannels, type OpenChannel, openBroadcastChannel } from './channel.js'
import { createLocalLocks, createWebLocks, type Locks } from './locks.js'

/** How a tab finds the others of its instance, or lives alone. */
export interface Company {
  readonly locks: Locks
  readonly openChannel: OpenChannel
  /** Why this tab must live alone, so that it may not keep anything either; undefined where tabs share. */
  readonly alone: string | undefined
}

/** What a worker has for it. Pages outside secure contexts have no locks. */
export interface CompanyScope {
  readonly navigator: { readonly locks?: LockManager }
  readonly BroadcastChannel?: typeof BroadcastChannel
}

/** Taken for a moment, and shared, so that nobody ever waits for it. */
const TRIED = 'dust:company'

/** Whether tabs can find each other shows only by trying: a page that may not store has both, and is refused both. */
export async function findCompany(scope: CompanyScope): Promise<Company> {
  const { locks } = scope.navigator
  if (!locks || !scope.BroadcastChannel) {
    return alone('the page is not a secure context (use https or localhost)')
  }
  try {
    await locks.request(TRIED, { mode: 'shared' }, () => undefined)
    new scope.BroadcastChannel(TRIED).close()
  } catch (error) {
    return alone(`the browser forbids this page to store (${error})`)
  }
  return { locks: createWebLocks(locks), openChannel: openBroadcastChannel, alone: undefined }
}

function alone(reason: string): Company {
  return {
    locks: createLocalLocks(),
    openChannel: createLocalChannels(),
    alone: `${reason}, so tabs cannot take turns`,
  }
}
