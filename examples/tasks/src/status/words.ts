/** The parts of a store's status that the status bar tells about. */
export interface StatusFacts {
  readonly connection: 'connecting' | 'catching-up' | 'live' | 'offline' | 'refused'
  /** Whether the person switched the network off. */
  readonly switchedOff: boolean
  readonly pending: { readonly count: number | null; readonly oldestAt: number | null }
  readonly caughtUpAt: number | null
  readonly storage: { readonly kind: string; readonly reason?: string }
  /** Whether this tab's worker owns the database and the socket. */
  readonly leader: boolean
  readonly error: { readonly message: string } | null
}

export interface StatusWords {
  readonly tone: 'good' | 'busy' | 'off' | 'bad'
  readonly connection: string
  readonly pending: string
  readonly freshness: string
  readonly storage: string
  readonly storageDetail: string
  readonly tab: string
  readonly tabDetail: string
  readonly error: string
}

const TONES = {
  live: 'good',
  connecting: 'busy',
  'catching-up': 'busy',
  offline: 'off',
  refused: 'bad',
} as const
const CONNECTIONS = {
  live: 'Live',
  connecting: 'Connecting …',
  'catching-up': 'Catching up …',
  offline: 'Offline',
  refused: 'Refused by the server',
} as const
const STORAGE: Readonly<Record<string, string>> = {
  opfs: 'Saved on this device (OPFS)',
  memory: 'Memory only',
  unavailable: 'No storage',
}

/** A store's status in plain words. `now` in epoch ms. */
export function statusWords(facts: StatusFacts, now: number): StatusWords {
  const { connection, switchedOff, pending, caughtUpAt, storage, leader, error } = facts
  const { kind, reason } = storage
  return {
    tone: TONES[connection],
    connection: switchedOff && connection === 'offline' ? 'Offline (switched off)' : CONNECTIONS[connection],
    pending: pendingWords(pending, now),
    freshness: freshnessWords(connection, caughtUpAt, now),
    storage: STORAGE[kind] ?? kind,
    storageDetail: storageDetail(kind, reason),
    tab: leader ? 'Leading tab' : 'Following tab',
    tabDetail: leader
      ? 'This tab keeps the database and the connection, for the other tabs as well.'
      : 'Another tab keeps the database and the connection. When it closes, the next one takes over.',
    // While the server is merely away, Dust tries again by itself; only what needs a person is an error here.
    error: error !== null && (connection === 'refused' || kind === 'unavailable') ? error.message : '',
  }
}

function storageDetail(kind: string, reason = ''): string {
  if (kind === 'opfs') return 'The board is kept in this browser, and opens without the server.'
  return kind === 'memory' ? `Everything here is gone when the last tab closes. ${reason}`.trim() : reason
}

function pendingWords({ count, oldestAt }: StatusFacts['pending'], now: number): string {
  if (count === null) return 'Changes not known now'
  if (count === 0) return 'All changes sent'
  const changes = count === 1 ? '1 change' : `${count.toLocaleString('en')} changes`
  return oldestAt === null ? `${changes} to send` : `${changes} to send, oldest ${ago(now - oldestAt)}`
}

function freshnessWords(
  connection: StatusFacts['connection'],
  caughtUpAt: number | null,
  now: number,
): string {
  if (connection === 'live') return 'Up to date'
  if (caughtUpAt === null) return 'Not synced since this page opened'
  return `Synced ${ago(now - caughtUpAt)}`
}

/** “3 s ago”, “5 min ago”, “2 h ago”, “4 days ago”. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.round(seconds / 3_600)} h ago`
  const days = Math.round(seconds / 86_400)
  return days === 1 ? '1 day ago' : `${days} days ago`
}
