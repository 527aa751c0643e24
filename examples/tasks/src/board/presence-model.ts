/** Another window, as its presence entry tells. */
export interface Peer {
  readonly id: string
  readonly name: string
  readonly hue: number
  /** The task it is editing. */
  readonly task: string | null
  /** When it was last heard of, by this device's clock, epoch ms. */
  readonly seenAt: number
}

/** A window says that it is there every so often, and counts as gone after three times silence. */
export const BEAT_MS = 15_000
export const GONE_AFTER_MS = 3 * BEAT_MS

/** What nobody has touched for this long is litter of a crashed window, and may be deleted by anyone. */
export const LITTER_AFTER_MS = 10 * 60_000

/** Reads a presence entry; `undefined` for anything that is none. */
export function readPeer(id: string, value: unknown, seenAt: number): Peer | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { name, hue, task } = value as Readonly<Record<string, unknown>>
  if (typeof name !== 'string' || typeof hue !== 'number') return undefined
  return { id, name, hue, task: typeof task === 'string' && task !== '' ? task : null, seenAt }
}

/** Those heard of lately, in a steady order. */
export function livePeers(peers: Iterable<Peer>, now: number): Peer[] {
  return [...peers]
    .filter(({ seenAt }) => now - seenAt < GONE_AFTER_MS)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Initials for a small badge: “Amber Otter” → “AO”. */
export function initials(name: string): string {
  return name
    .split(/\s+/)
    .map((word) => word[0] ?? '')
    .join('')
    .slice(0, 2)
    .toUpperCase()
}
