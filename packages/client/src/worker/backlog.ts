/**
 * What was sent to each tab and is still under way. Messages to a tab that is frozen or busy wait in the browser's
 * memory, so the leader must know when to stop.
 */
export interface Backlog {
  /** The number of the tab's next message. */
  next(tab: string): number
  /** A message has gone out, with so many items for each subscription. */
  sent(tab: string, flush: number, counts: ReadonlyMap<number, number>): void
  /** Items for a subscription that the page has not confirmed. */
  unconfirmed(tab: string, subscription: number): number
  /** Messages with items that the page has not confirmed. */
  unconfirmedMessages(tab: string): number
  /** Messages that the tab's worker has not received. */
  underway(tab: string): number
  received(tab: string, receipt: { readonly confirmed: number; readonly received: number }): void
  dropTab(tab: string): void
}

interface Account {
  last: number
  received: number
  /** Messages with items, oldest first. */
  open: { readonly flush: number; readonly counts: ReadonlyMap<number, number> }[]
  readonly totals: Map<number, number>
}

export function createBacklog(): Backlog {
  const accounts = new Map<string, Account>()
  /** A tab that comes back goes on above what it may still confirm of before. */
  let highest = 0

  const accountOf = (tab: string): Account => {
    const existing = accounts.get(tab)
    if (existing) return existing
    const account: Account = { last: highest, received: highest, open: [], totals: new Map() }
    accounts.set(tab, account)
    return account
  }

  return {
    next(tab) {
      const account = accountOf(tab)
      account.last += 1
      highest = Math.max(highest, account.last)
      return account.last
    },
    sent(tab, flush, counts) {
      const account = accounts.get(tab)
      if (!account || counts.size === 0) return
      const { open, totals } = account
      open.push({ flush, counts })
      for (const [id, count] of counts) totals.set(id, (totals.get(id) ?? 0) + count)
    },
    unconfirmed: (tab, subscription) => accounts.get(tab)?.totals.get(subscription) ?? 0,
    unconfirmedMessages: (tab) => accounts.get(tab)?.open.length ?? 0,
    underway(tab) {
      const account = accounts.get(tab)
      return account ? account.last - account.received : 0
    },
    received(tab, { confirmed, received }) {
      const account = accounts.get(tab)
      if (!account) return
      account.received = Math.max(account.received, received)
      const { open, totals } = account
      const keep = open.findIndex(({ flush }) => flush > confirmed)
      for (const { counts } of open.splice(0, keep === -1 ? open.length : keep)) {
        for (const [id, count] of counts) {
          const left = (totals.get(id) ?? 0) - count
          if (left > 0) totals.set(id, left)
          else totals.delete(id)
        }
      }
    },
    dropTab: (tab) => void accounts.delete(tab),
  }
}
