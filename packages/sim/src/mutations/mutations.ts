import type { Mutation } from './mutation.js'
import { REPLICA_MUTATIONS } from './replica-mutations.js'
import { SERVER_MUTATIONS } from './server-mutations.js'
import { SYNC_MUTATIONS } from './sync-mutations.js'

/** Bugs that somebody could make, each of which the simulator has to catch. */
export const MUTATIONS: readonly Mutation[] = [...SERVER_MUTATIONS, ...REPLICA_MUTATIONS, ...SYNC_MUTATIONS]
