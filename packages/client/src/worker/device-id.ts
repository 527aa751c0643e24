import type { Clock } from '@dustlayer/sync'
import { get, set } from 'idb-keyval'
import { randomId } from '../random-id.js'
import { withDeadline } from '../storage/deadline.js'

/** IndexedDB has been seen to hang for ever; an id for this life is better than none. */
const DEADLINE_MS = 3_000

/**
 * This browser's id for the instance, by which the server and the replica know its ops. Kept in IndexedDB, where it
 * can be read before SQLite is up. Called by the leader only, so that no two tabs make one each.
 */
export async function loadDeviceId(instance: string, clock: Clock): Promise<string> {
  const key = `dust:${instance}:device`
  const fresh = randomId('dev_')
  try {
    const known: unknown = await withDeadline(get(key), DEADLINE_MS, clock, 'reading the device id')
    if (typeof known === 'string') return known
    await withDeadline(set(key, fresh), DEADLINE_MS, clock, 'writing the device id')
  } catch {
    // No IndexedDB, as in some private windows: the id may be new each time. Own ops are recognised by op id.
  }
  return fresh
}
