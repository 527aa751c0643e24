import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DustAddress, runToEnd, startDustServer } from '../server/process.js'
import type { ReplicaClientPlan, ReplicaClientResult } from '../sync/replica-client.js'
import { createRounds } from './rounds.js'
import type { Scenario } from './scenario.js'

const script = (name: string): string => new URL(`../${name}.js`, import.meta.url).pathname

const DUST = 'Dust, from a compacted log'
const BARE = 'bare frames into a table'

/** The first sync of a large store: time, and memory on both sides. */
export const bootstrap: Scenario = {
  name: 'bootstrap',
  async run(bench) {
    const sizes = bench.quick ? [10_000] : [100_000, 1_000_000]
    const rounds = createRounds()
    for (const count of sizes) {
      const dataDir = await mkdtemp(join(tmpdir(), 'dust-bench-bootstrap-'))
      try {
        bench.log(`  filling a store with ${count.toLocaleString('en')} entries`)
        const filled = await runToEnd<Omit<DustAddress, 'url'>>(script('server/compacted-store'), [
          dataDir,
          String(count),
        ])
        for (let round = 0; round < Math.min(bench.rounds, 3); round++) {
          const server = await startDustServer(dataDir)
          const address = { ...server.ready, ...filled }
          const first = await inDirectory((directory) => firstSync({ ...address, directory, missed: 0 }))
          const serverPeak = peakOf(server.pid)
          await server.close()
          const bare = await inDirectory((directory) =>
            runToEnd<ReplicaClientResult>(script('sync/bare-copy'), [directory, String(count)]),
          )
          if (first.entries !== count || bare.entries !== count) throw new Error('A copy is incomplete.')
          rounds.add(DUST, {
            [time(count)]: first.ms,
            [memory(count)]: first.peakBytes,
            [serverMemory(count)]: serverPeak,
          })
          rounds.add(BARE, { [time(count)]: bare.ms, [memory(count)]: bare.peakBytes })
        }
      } finally {
        await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
      }
    }
    return {
      name: 'bootstrap',
      title: 'First sync of a large store, in Node',
      notes: [
        'From connecting until live, into a file (SQLite WAL, synchronous FULL), as snapshot chunks; client and server are processes of their own on two cores. Memory is the highest resident size of the whole process; a Node process that does nothing has about 45 MB.',
        'The bare copy is sender and receiver in one process, and keeps path and value only.',
      ],
      columns: sizes.flatMap((count) => [
        { name: time(count), unit: 'ms' as const },
        { name: memory(count), unit: 'bytes' as const },
        { name: serverMemory(count), unit: 'bytes' as const },
      ]),
      reference: DUST,
      rows: rounds.rows(),
    }
  },
}

const time = (count: number) => `${count.toLocaleString('en')} entries`
const memory = (count: number) => `${count.toLocaleString('en')}: client’s memory`
const serverMemory = (count: number) => `${count.toLocaleString('en')}: server’s memory`

export function firstSync(plan: ReplicaClientPlan): Promise<ReplicaClientResult> {
  return runToEnd<ReplicaClientResult>(script('sync/replica-client'), [JSON.stringify(plan)])
}

export async function inDirectory<T>(run: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'dust-bench-replica-'))
  try {
    return await run(directory)
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** The highest resident size of a process, in bytes, as Linux tells it. */
function peakOf(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kilobytes === undefined) throw new Error('This scenario reads /proc, which only Linux has.')
  return Number(kilobytes) * 1_024
}
