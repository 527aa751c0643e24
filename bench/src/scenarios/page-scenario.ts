import type { Peer, PeerName } from '../page/peers/peer.js'
import type { Column } from '../section.js'

/** Numbers of one round by column name. */
export type Numbers = { readonly [column: string]: number }

export interface Round {
  /** Unlike in any other round: part of the keys that the round writes. */
  readonly tag: string
  /** Fewer samples, for a look while developing. */
  readonly quick: boolean
}

/** A scenario in one page: the same function times each peer in turn, round by round. Runs in the page. */
export interface PageScenario {
  readonly name: string
  readonly title: string
  readonly notes: readonly string[]
  readonly columns: readonly Column[]
  readonly peers: readonly PeerName[]
  measure(peer: Peer, round: Round): Promise<Numbers>
}

export const READERS: readonly PeerName[] = ['dust', 'idb-keyval', 'dexie', 'sqlite']
export const WRITERS: readonly PeerName[] = [
  'dust',
  'dust offline',
  'idb-keyval',
  'idb-keyval strict',
  'dexie',
  'dexie strict',
  'sqlite',
]
