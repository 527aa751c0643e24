import type { SyncPort } from '@dustlayer/replica'
import type { StoreSync, SyncClient } from '@dustlayer/sync'

/**
 * Attaches a replica so that no op leaves this device before it is durable here: one that is refused because it could
 * not be stored must not have taken effect elsewhere.
 */
export function attachDurably(
  client: SyncClient,
  store: string,
  port: SyncPort,
  durable: () => Promise<void> | null,
): StoreSync {
  let waiting = false
  const ready = (): boolean => {
    if (waiting) return false
    const storing = durable()
    if (!storing) return true
    waiting = true
    storing.then(
      () => {
        waiting = false
        sync.outboxChanged()
      },
      // The database is closed, and opened again as it was last stored.
      () => undefined,
    )
    return false
  }
  const sync = client.attach(store, {
    ...port,
    outbox: (after, limit) =>
      // Nothing to send is nothing to wait for.
      port.outboxEnd() <= after || ready() ? port.outbox(after, limit) : [],
  })
  return sync
}
