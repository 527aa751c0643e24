import type { Entry, ExtensionName, FramePayload } from '@dustlayer/protocol'
import type { FakeStore } from './fake-store.js'

/** What a join asked for, as far as a catch-up goes by it. */
export interface CatchUpRequest {
  readonly cursor: number
  readonly extensions: ReadonlySet<ExtensionName>
  /** Where the client wants a chunked snapshot to go on. */
  readonly resume: { readonly seq: number; readonly after: string } | null
}

export interface CatchUpMessage {
  readonly event: 'snapshot' | 'snapshot_chunk' | 'event' | 'events'
  readonly payload: FramePayload
}

/** Everything that a catch-up sends before its end marker (spec/wire.md §4.1, docs/protocol-extensions.md). */
export function catchUpMessages(
  store: FakeStore,
  { cursor, extensions, resume }: CatchUpRequest,
  pageSize: number,
): CatchUpMessage[] {
  const { snapshot, model } = store
  const messages: CatchUpMessage[] = []
  let from = cursor
  if (snapshot && snapshot.seq > cursor) {
    from = snapshot.seq
    if (extensions.has('snapshot_chunks')) {
      const after = resume && resume.seq === snapshot.seq ? resume.after : null
      messages.push(...chunksOf(snapshot.seq, snapshot.entries, after, pageSize))
    } else messages.push({ event: 'snapshot', payload: wholeSnapshot(snapshot.seq, snapshot.entries) })
  }
  const events = Array.from({ length: Math.max(0, model.head - from) }, (_, index) =>
    store.eventAt(from + index + 1),
  )
  if (!extensions.has('event_batches'))
    return messages.concat(events.map((payload) => ({ event: 'event', payload })))
  for (let at = 0; at < events.length; at += pageSize)
    messages.push({ event: 'events', payload: { events: events.slice(at, at + pageSize) } })
  return messages
}

/** As the reference sends it: values wrapped, without revisions. */
function wholeSnapshot(seq: number, entries: readonly Entry[]): FramePayload {
  const wrapped = entries.map(({ path, value, type }) => [path, { value: { _scalar: value }, type }])
  return { snapshot_seq: seq, entries: Object.fromEntries(wrapped) }
}

function chunksOf(
  seq: number,
  entries: readonly Entry[],
  resumeAfter: string | null,
  size: number,
): CatchUpMessage[] {
  const begin = resumeAfter === null ? 0 : entries.findIndex(({ path }) => path === resumeAfter) + 1
  const chunks: CatchUpMessage[] = []
  let from = resumeAfter
  for (let at = begin; chunks.length === 0 || at < entries.length; at += size) {
    const part = entries.slice(at, at + size)
    const after = part.at(-1)?.path ?? from
    const payload = {
      snapshot_seq: seq,
      entries: part.map(({ path, value, type, seq }) => ({ path, value, type, seq })),
      from,
      after,
      last: at + size >= entries.length,
    }
    chunks.push({ event: 'snapshot_chunk', payload })
    from = after
  }
  return chunks
}
