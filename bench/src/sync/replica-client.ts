import { join } from 'node:path'
import { openReplica, type Replica } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import { createClock, createSyncClient, createWebSocketTransport, type StoreSync } from '@dustlayer/sync'
import { WebSocket } from 'ws'
import { fillStore } from '../server/fill-store.js'
import type { DustAddress } from '../server/process.js'

/** Syncs a store into a replica in a file, in a process of its own. */
export interface ReplicaClientPlan extends DustAddress {
  /** For the replica's file. */
  readonly directory: string
  /** So many ops are written while the client is away; what is measured is its return. 0: its first sync. */
  readonly missed: number
}

export interface ReplicaClientResult {
  /** From connecting until live. */
  readonly ms: number
  readonly entries: number
  /** Resident memory at its highest, of the whole process. */
  readonly peakBytes: number
}

const transport = createWebSocketTransport({ WebSocket })

async function run(plan: ReplicaClientPlan): Promise<ReplicaClientResult> {
  const driver = openBetterSqlite(join(plan.directory, 'replica.db'))
  const replica = openReplica({ driver, store: plan.store, deviceId: 'bench', now: Date.now })
  if (plan.missed > 0) {
    await syncUntilLive(plan, replica)
    await fillStore(plan, plan.missed)
  }
  const start = performance.now()
  await syncUntilLive(plan, replica)
  const ms = performance.now() - start
  const entries = Number(driver.all('select count(*) from entries')[0]?.[0])
  replica.close()
  return { ms, entries, peakBytes: process.resourceUsage().maxRSS * 1_024 }
}

async function syncUntilLive({ url, token, store }: DustAddress, replica: Replica): Promise<void> {
  const client = createSyncClient({
    url,
    token,
    deviceId: 'bench',
    transport,
    clock: createClock({ setTimeout, clearTimeout, now: Date.now }),
    random: Math.random,
    // The comparison with the server’s digest comes after the store is live.
    onProblem: (problem) => process.stderr.write(`${problem.message}\n`),
  })
  await live(client.attach(store, replica.sync))
  client.close()
}

function live(sync: StoreSync): Promise<void> {
  return new Promise((resolve) => {
    const stop = sync.onStatus(({ state }) => {
      if (state !== 'live') return
      stop()
      resolve()
    })
  })
}

const plan = process.argv[2]
if (!plan) throw new Error('Usage: replica-client.js <ReplicaClientPlan as JSON>')
// The runner passes a ReplicaClientPlan.
process.stdout.write(`${JSON.stringify(await run(JSON.parse(plan) as ReplicaClientPlan))}\n`)
