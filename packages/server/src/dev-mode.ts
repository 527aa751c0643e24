import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Catalog } from './catalog.js'
import type { Clock } from './clock.js'
import { SCOPES } from './scope.js'
import { createStoreRecord } from './store-hub.js'
import { authenticate, createToken } from './token.js'

export const DEV_ORG = 'dev'
export const DEV_STORE = `${DEV_ORG}/main`

/**
 * The store and the all-powerful token of development mode. The token is kept in the data directory, in the
 * clear, so that it stays the same across restarts; that is one reason not to run a real server this way.
 */
export function prepareDevMode(catalog: Catalog, clock: Clock, dataDir: string): string {
  if (!catalog.stores.findByName({ org: DEV_ORG, name: 'main' })) createStoreRecord(catalog, clock, DEV_STORE)
  const file = join(dataDir, 'dev-token')
  const kept = readIfThere(file)
  if (kept !== undefined && authenticate(catalog, kept, clock.now())) return kept
  const { token } = createToken(
    catalog,
    { stores: [`${DEV_ORG}/*`], scopes: SCOPES, name: 'dev' },
    clock.now(),
  )
  writeFileSync(file, token, { mode: 0o600 })
  // The mode above counts only when the file is new.
  chmodSync(file, 0o600)
  return token
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
