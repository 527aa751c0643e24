import { get, set } from 'idb-keyval'
import { randomId } from '../random-id.js'

/**
 * This browser's id for the instance, by which the server and the replica know its ops. Kept in IndexedDB, where it
 * can be read before SQLite is up. Called by the leader only, so that no two tabs make one each.
 */
export async function loadDeviceId(instance: string): Promise<string> {
  const key = `dust:${instance}:device`
  const fresh = randomId('dev_')
  try {
    const known: unknown = await get(key)
    if (typeof known === 'string') return known
    await set(key, fresh)
  } catch {
    // No IndexedDB (some private windows): then nothing else is kept either, and the id may be new each time.
  }
  return fresh
}
