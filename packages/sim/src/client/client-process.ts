import type { DustError } from '@dustlayer/protocol'
import {
  type DustEvent,
  openReplica,
  type Replica,
  type SqliteDriver,
  type SyncPort,
} from '@dustlayer/replica'
import { createSyncClient, type StoreSync, type SyncClient, type Transport } from '@dustlayer/sync'
import type { Random } from '../random.js'
import { STORE } from '../server/server-machine.js'
import type { SimClock } from '../time.js'
import type { Trace } from '../trace.js'
import { Crash } from '../violation.js'
import type { Issued } from './issued.js'

/** What runs on a client's machine while its process lives. */
export interface ClientProcess {
  readonly alive: boolean
  readonly replica: Replica
  readonly client: SyncClient
  readonly sync: StoreSync
}

/** What a process finds on its machine, whichever process it is. */
export interface Surroundings {
  readonly index: number
  readonly format: 'json' | 'msgpack'
  readonly random: Random
  readonly transport: Transport
  readonly issued: Issued
  /** The token that the user is signed in with. */
  token(): string
  /** Whether the machine has a network. */
  online(): boolean
  onOnline(listener: () => void): () => void
  /** Whether the server may have lost what it had acknowledged. */
  forgetful(): boolean
  problem(problem: DustError): void
  readonly trace: Trace | undefined
}

export interface ProcessOptions extends Surroundings {
  readonly driver: SqliteDriver
  readonly clock: SimClock
  /** Nothing that it does counts any more. */
  alive(): boolean
  /** A snapshot went in; `reset` begins another history. */
  snapshot(seq: number, reset: boolean): void
}

/** Starts the real replica and the real sync client. @throws Crash, and what opening the replica throws. */
export function startProcess(options: ProcessOptions): ClientProcess {
  const { index, driver, clock, random, format, transport, issued, alive, trace } = options
  const replica = openReplica({ driver, store: STORE, deviceId: `c${index}`, now: clock.now })
  replica.onVerdict((opId, verdict) => {
    if (!alive()) return
    trace?.(`c${index}      ${opId} is ${JSON.stringify(verdict)}`)
    issued.told(opId, verdict, options.forgetful())
  })
  if (trace) {
    replica.onEvents((events) => {
      for (const event of events) trace(`c${index}      tells ${describeEvent(event)}`)
    })
  }
  const client = createSyncClient({
    url: 'ws://server/ws/sync',
    token: options.token,
    deviceId: `c${index}`,
    format,
    transport: {
      ...transport,
      connect(url, handlers) {
        if (!alive()) throw new Crash('The client is dead.')
        return transport.connect(url, handlers)
      },
    },
    clock,
    random: random.next,
    network: { online: options.online, onChange: options.onOnline },
    onProblem(problem) {
      if (!alive()) return
      trace?.(`c${index}      problem ${problem.code}: ${problem.message}`)
      options.problem(problem)
    },
  })
  const sync = client.attach(STORE, observed(replica.sync, options.snapshot))
  return {
    get alive() {
      return alive()
    },
    replica,
    client,
    sync,
  }
}

/** Tells which snapshots go in. */
function observed(port: SyncPort, snapshot: ProcessOptions['snapshot']): SyncPort {
  return {
    ...port,
    applySnapshot(seq, entries) {
      port.applySnapshot(seq, entries)
      snapshot(seq, false)
    },
    stageFinish(seq, how) {
      port.stageFinish(seq, how)
      snapshot(seq, how.reset)
    },
  }
}

function describeEvent({ path, op, value, committed, cause, correctionFor, error }: DustEvent): string {
  const kind = error ? 'refused' : committed ? 'committed' : 'local'
  const corrects = correctionFor === undefined ? '' : `, corrects ${correctionFor}`
  const because = cause ? `, as of ${cause.op} ${cause.path}` : corrects
  return `${op} ${path} ${JSON.stringify(value)} (${kind}${because})`
}
