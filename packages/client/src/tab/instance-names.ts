/** Names of the instance's locks and channels. */
export interface InstanceNames {
  /** The lock whose holder leads. */
  readonly lock: string
  /** Held by the tab that is about to take the lock from a silent leader. */
  readonly deposing: string
  /** Prefix of the locks that each living tab holds. */
  readonly tabLock: string
  /** Prefix of the locks that each tab holds while its page is visible. */
  readonly visibleLock: string
  readonly announcements: string
  readonly toLeader: string
  readonly toTab: (tab: string) => string
}

export function instanceNames(instance: string): InstanceNames {
  const base = `dust:${instance}`
  return {
    lock: base,
    deposing: `${base}:deposing`,
    tabLock: `${base}:tab:`,
    visibleLock: `${base}:visible:`,
    announcements: `${base}:announcements`,
    toLeader: `${base}:leader`,
    toTab: (tab) => `${base}:tab:${tab}`,
  }
}
