import type { Store } from '@dustlayer/client'
import type { Identity } from '../shell/identity.js'
import { BEAT_MS, LITTER_AFTER_MS, livePeers, type Peer, readPeer } from './presence-model.js'

/** Who else is looking at the board. */
export interface Presence {
  /** Tells the others which task this window is editing; `null` for none. */
  editing(task: string | null): void
  peers(): readonly Peer[]
  /** This window came online, or changed in some other way that the others should hear about now. */
  beat(): void
}

export interface PresenceOptions {
  readonly store: Store
  readonly me: Identity
  /** Presence is about now: while this says no, nothing is written, or it would queue up and be sent when it is long past. */
  online(): boolean
  changed(): void
  report(what: string, error: unknown): void
}

/**
 * Presence is a few leaves at `presence/<window>`, refreshed every 15 seconds and removed when the window goes. A window that
 * crashed cannot remove its own: readers ignore what they have not heard of for a while.
 */
export function startPresence(options: PresenceOptions): Presence {
  const { store, me, online, changed, report } = options
  const path = `presence/${me.id}`
  const peers = new Map<string, Peer>()
  let task: string | null = null

  const guard = (write: Promise<unknown>): void => {
    write.catch((error: unknown) => report('The others may not see that you are here', error))
  }
  const beat = (): void => {
    if (!online() || document.visibilityState === 'hidden') return
    const { name, hue } = me
    guard(store.put(path, { name, hue, task: task ?? '', at: Date.now() }).committed)
  }
  const leave = (): void => {
    if (online()) guard(store.delete(path).committed)
  }

  store.on('presence/*', (event) => {
    const id = event.path.slice('presence/'.length)
    if (id === me.id || event.error) return
    // What catch-up brings is from some time ago, and says when; anything else is news, whatever the sender's clock says.
    const peer =
      event.op === 'set'
        ? readPeer(id, event.value, event.catchUp ? timeOf(event.value) : Date.now())
        : undefined
    if (peer) peers.set(id, peer)
    else peers.delete(id)
    changed()
  })
  const readPresent = async (): Promise<void> => {
    for (const { path, value } of await store.enum('presence/*')) {
      const id = path.slice('presence/'.length)
      const at = timeOf(value)
      const peer = readPeer(id, value, at)
      if (Date.now() - at > LITTER_AFTER_MS && online()) guard(store.delete(path))
      else if (peer && id !== me.id && !peers.has(id)) peers.set(id, peer)
    }
    changed()
  }
  readPresent().catch((error: unknown) => report('Who else is here is not known', error))

  setInterval(() => {
    beat()
    changed()
  }, BEAT_MS)
  addEventListener('pagehide', leave)
  addEventListener('pageshow', beat)
  document.addEventListener('visibilitychange', beat)
  beat()

  return {
    editing(next) {
      if (next === task) return
      task = next
      beat()
    },
    peers: () => livePeers(peers.values(), Date.now()),
    beat,
  }
}

function timeOf(value: unknown): number {
  const at = typeof value === 'object' && value !== null ? (value as { at?: unknown }).at : undefined
  return typeof at === 'number' ? Math.min(at, Date.now()) : 0
}
