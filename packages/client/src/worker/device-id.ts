import type { Clock } from '@dustlayer/sync'
import { get, update } from 'idb-keyval'
import { randomId } from '../random-id.js'
import { smallStore } from '../small-store.js'
import { withDeadline } from '../storage/deadline.js'
import { hasData } from '../storage/has-data.js'

/** This browser's id for the instance, by which the server and the replica know its ops. */
export interface DeviceId {
  readonly id: string
  /** It was found, or stored: who looks later finds it as well, unless the instance's data was removed. */
  readonly kept: boolean
}

/** IndexedDB has been seen to hang for ever; an id for this life is better than none. */
const DEADLINE_MS = 3_000
/** A tab that comes back is not shown anything before it is sure, or cannot be. */
const LOOK_DEADLINE_MS = 1_000

/**
 * Finds or makes the id. Kept in IndexedDB, where it can be read before SQLite is up. `goOnWith`: the id in use, which
 * is kept again when the browser, and nobody else, has removed it.
 */
export async function loadDeviceId(
  instance: string,
  clock: Clock,
  goOnWith: string | null,
): Promise<DeviceId> {
  const fresh = goOnWith ?? randomId('dev_')
  let id = fresh
  const keep = (known: unknown): string => {
    id = typeof known === 'string' ? known : fresh
    return id
  }
  try {
    const loading = update<unknown>(keyOf(instance), keep, smallStore)
    await withDeadline(loading, DEADLINE_MS, clock, 'reading the device id')
    return { id, kept: true }
  } catch {
    // No IndexedDB, as in some private windows: the id may be new each time. Own ops are recognised by op id.
    return { id, kept: false }
  }
}

/**
 * The id that is kept now: null when none is, and nothing else of the instance either; undefined when that cannot be
 * known, or somebody has removed the id and nothing else.
 */
export async function findDeviceId(instance: string, clock: Clock): Promise<string | null | undefined> {
  try {
    const reading = get<unknown>(keyOf(instance), smallStore)
    const known = await withDeadline(reading, LOOK_DEADLINE_MS, clock, 'looking for the device id')
    if (typeof known === 'string') return known
    return (await withDeadline(hasData(instance), LOOK_DEADLINE_MS, clock, 'looking for data'))
      ? undefined
      : null
  } catch {
    return undefined
  }
}

function keyOf(instance: string): string {
  return `dust:${instance}:device`
}
