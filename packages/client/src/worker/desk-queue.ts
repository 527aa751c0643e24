import type { ToLeader } from '../tab/tab-protocol.js'
import { isWriteCall } from './run-calls.js'

/** What tabs have sent to a leader that does not serve yet. It may not for hours, while another tab has the files. */
export interface DeskQueue {
  add(message: ToLeader): void
  hasHelloOf(tab: string): boolean
  /** Takes calls back. @returns those that were there. */
  forget(tab: string, batches: readonly number[]): number[]
  /** The tab is gone. As in the host, its writes are still wanted: a page may write and go. */
  dropTab(tab: string): void
  takeAll(): ToLeader[]
}

export function createDeskQueue(): DeskQueue {
  let queue: ToLeader[] = []

  const isHelloOf = (tab: string, { kind, from }: ToLeader): boolean => kind === 'hello' && from === tab

  return {
    add(message) {
      const { from, kind } = message
      // There is no connection yet, and it will be made anew.
      if (kind === 'signal') return
      const earlier = kind === 'hello' ? queue.findIndex((other) => isHelloOf(from, other)) : -1
      if (earlier === -1) queue.push(message)
      // Each tells everything again, but for the one that asks who leads.
      else if (message.to !== null) queue[earlier] = message
    },
    hasHelloOf: (tab) => queue.some((message) => isHelloOf(tab, message)),
    forget(tab, batches) {
      const wanted = new Set(batches)
      const forgotten: number[] = []
      queue = queue.filter((message) => {
        if (message.kind !== 'calls' || message.from !== tab || !wanted.has(message.batch)) return true
        forgotten.push(message.batch)
        return false
      })
      return forgotten
    },
    dropTab(tab) {
      queue = queue.filter(
        (message) => message.from !== tab || (message.kind === 'calls' && message.calls.some(isWriteCall)),
      )
    },
    takeAll() {
      const all = queue
      queue = []
      return all
    },
  }
}
