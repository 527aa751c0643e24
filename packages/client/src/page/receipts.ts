import type { News, Receipt } from '../tab/news.js'

/** Tells the leader now and then what this page has taken in, so that it knows when to stop sending. */
export interface Receipts {
  taken(news: News): void
}

/** After so many events and nodes; a leader lets four times as many be on their way to one subscription. */
const EVERY = 250

export function createReceipts(send: (receipt: Receipt) => void): Receipts {
  let count = 0
  let lastLeader: string | undefined

  return {
    taken({ leader, flush, events, live }) {
      if (leader !== lastLeader) count = 0
      lastLeader = leader
      for (const { to } of events) count += to.length
      for (const { put, removed } of live) count += Math.max(put.length + removed.length, 1)
      if (count < EVERY) return
      count = 0
      send({ leader, flush })
    },
  }
}
