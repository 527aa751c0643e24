import { type Remote, wrap } from 'comlink'
import { entriesOf, LISTED, OTHERS } from '../dataset.js'
import type { Numbers, Round } from '../scenarios/page-scenario.js'
import { PAGE_SCENARIOS } from '../scenarios/page-scenarios.js'
import { timed } from '../stats.js'
import { bareFirstPaint, type FirstPaint, firstPaint, prepareFirstPaint } from './first-paint.js'
import { firstSync } from './ingest/first-sync.js'
import type { IngestWorker, Shape, Taker } from './ingest/ingest-worker.js'
import { openPeer } from './peers/open-peer.js'
import type { Peer, PeerName, Session } from './peers/peer.js'

/** What the runner calls in the page. */
export interface BenchPage {
  /** Fills a peer with the data set. */
  fill(name: PeerName, session: Session): Promise<void>
  measure(scenario: string, name: PeerName, session: Session, round: Round): Promise<Numbers>
  /** Milliseconds from opening the peer, which this page has not done before, to the value of a key. */
  coldOpen(name: PeerName, session: Session, key: string): Promise<number>
  prepareFirstPaint(session: Session, instance: string): Promise<void>
  firstPaint(session: Session, instance: string): Promise<FirstPaint>
  /** Milliseconds. */
  bareFirstPaint(): Promise<number>
  /** From now on answers each new value of `ping` with the same value at `pong`. */
  answer(name: PeerName, session: Session, ping: string, pong: string): Promise<void>
  /** Milliseconds from each put at `ping` to the callback for its answer at `pong`. */
  roundTrips(name: PeerName, session: Session, ping: string, pong: string, count: number): Promise<number[]>
  /** Writes every 5 ms for so long; milliseconds until each write is durable. */
  callsFor(name: PeerName, session: Session, ms: number): Promise<number[]>
  /** Milliseconds that a new Dust instance takes until it has everything up to `seq`. */
  firstSync(session: Session, instance: string, seq: number): Promise<number>
  /** Milliseconds that `count` new entries take in a worker. */
  ingest(taker: Taker, shape: Shape, count: number): Promise<number>
  /** Milliseconds that a peer's own call for many writes takes for `count` new entries, 1,000 a call. */
  bulkLoad(name: PeerName, session: Session, prefix: string, count: number): Promise<number>
  close(): Promise<void>
}

declare global {
  interface Window {
    bench: BenchPage
  }
}

function createBenchPage(): BenchPage {
  const peers = new Map<PeerName, Promise<Peer>>()

  const peerNamed = (name: PeerName, session: Session): Promise<Peer> => {
    const known = peers.get(name)
    if (known) return known
    const opened = openPeer(name, session)
    peers.set(name, opened)
    return opened
  }

  let ingestWorker: Remote<IngestWorker> | undefined

  const watch = async (peer: Peer, key: string, callback: (value: string) => void): Promise<() => void> => {
    if (!peer.watch) throw new Error('This library has no change feed.')
    return peer.watch(key, callback)
  }

  return {
    async fill(name, session) {
      const peer = await peerNamed(name, session)
      for (const [prefix, count] of [['list', LISTED] as const, ['data', OTHERS] as const]) {
        const entries = entriesOf(prefix, count)
        for (let from = 0; from < count; from += 1_000) await peer.putAll(entries.slice(from, from + 1_000))
      }
      await peer.settled()
    },
    async measure(scenario, name, session, round) {
      const found = PAGE_SCENARIOS.find((candidate) => candidate.name === scenario)
      if (!found) throw new Error(`There is no page scenario ${scenario}.`)
      return found.measure(await peerNamed(name, session), round)
    },
    async coldOpen(name, session, key) {
      const start = performance.now()
      const peer = await peerNamed(name, session)
      const value = await peer.get(key)
      const elapsed = performance.now() - start
      if (value === undefined)
        throw new Error(`${name} has nothing at ${key}: it was not filled, or lost it.`)
      return elapsed
    },
    prepareFirstPaint,
    firstPaint,
    bareFirstPaint,
    async answer(name, session, ping, pong) {
      const peer = await peerNamed(name, session)
      await watch(peer, ping, (value) => void peer.put(pong, value))
    },
    async roundTrips(name, session, ping, pong, count) {
      const peer = await peerNamed(name, session)
      let arrived: (value: string) => void = () => {}
      const off = await watch(peer, pong, (value) => arrived(value))
      const samples: number[] = []
      for (let index = 0; index < count; index++) {
        const sent = `${ping} ${index} ${performance.now()}`
        await new Promise<void>((resolve, reject) => {
          const start = performance.now()
          arrived = (value) => {
            if (value !== sent) return
            samples.push(performance.now() - start)
            resolve()
          }
          peer.put(ping, sent).catch(reject)
        })
        arrived = () => {}
        await peer.settled()
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      off()
      return samples
    },
    async callsFor(name, session, ms) {
      const peer = await peerNamed(name, session)
      const calls: Promise<number>[] = []
      const end = performance.now() + ms
      for (let index = 0; performance.now() < end; index++) {
        calls.push(timed(() => peer.put(`calls/${index % 100}`, `value ${index}`)))
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return Promise.all(calls)
    },
    firstSync,
    ingest(taker, shape, count) {
      ingestWorker ??= wrap<IngestWorker>(
        new Worker(new URL('./ingest/ingest-worker.ts', import.meta.url), { type: 'module' }),
      )
      return ingestWorker.ingest(taker, shape, count)
    },
    async bulkLoad(name, session, prefix, count) {
      const peer = await peerNamed(name, session)
      const entries = entriesOf(prefix, count)
      return timed(async () => {
        for (let from = 0; from < count; from += 1_000) await peer.putAll(entries.slice(from, from + 1_000))
      })
    },
    async close() {
      for (const peer of peers.values()) await (await peer).close()
      peers.clear()
    },
  }
}

window.bench = createBenchPage()
