import { UnavailableError } from '@dustlayer/protocol'
import type { Replica, Steps } from '@dustlayer/replica'
import type { StoreSync } from '@dustlayer/sync'
import type { DoctorData } from '../tab/calls.js'

/** Checks a replica against itself, which mends what is derived, then against the server, whose word replaces ours. */
export async function examine(
  replica: Replica,
  sync: StoreSync,
  run: <T>(steps: Steps<T>) => Promise<T>,
): Promise<DoctorData> {
  const local = await run(replica.checkSteps())
  if (!local.ok) {
    sync.resync('the local copy is damaged')
    return { local, server: 'resynced' }
  }
  try {
    return { local, server: await sync.verify() }
  } catch (error) {
    if (error instanceof UnavailableError) return { local, server: 'unreachable' }
    throw error
  }
}
