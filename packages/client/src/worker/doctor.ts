import { UnavailableError } from '@dustlayer/protocol'
import type { Replica } from '@dustlayer/replica'
import type { StoreSync } from '@dustlayer/sync'
import type { DoctorData } from '../tab/tab-protocol.js'

/** Checks a replica against itself, which mends what is derived, then against the server, whose word replaces ours. */
export async function examine(replica: Replica, sync: StoreSync): Promise<DoctorData> {
  const local = replica.check()
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
