import {
  decodeSnapshotChunk,
  decodeStoreEvent,
  EXTENSIONS,
  eventEffects,
  type FramePayload,
  isAncestor,
  type JsonValue,
  jsonCodec,
  splitEventBatch,
} from '@dustlayer/protocol'
import { agree, NO_EXTENSIONS } from '../agreement.js'
import { createMember } from '../member.js'
import type { OpenStore } from '../open-store.js'
import { jsonFormat } from '../wire-format.js'
import type { ManualScheduler } from './manual-scheduler.js'

interface Held {
  readonly value: JsonValue
  readonly seq: number
}

/** A client that keeps what it gets, and can be asked to catch up with a store again and again. */
export interface ModelClient {
  /** Joins, reads until it is told that it is up to date, and leaves. */
  catchUp(store: OpenStore, scheduler: ManualScheduler): void
  readonly cursor: number
  readonly incarnation: string | null
  readonly entries: ReadonlyMap<string, Held>
  /** Another client with the same data. */
  copy(): ModelClient
}

/** With `extended`, it asks for all extensions. */
export function createModelClient(extended: boolean, like?: ModelClient): ModelClient {
  const entries = new Map<string, Held>(like?.entries)
  let staged = new Map<string, Held>()
  let cursor = like?.cursor ?? 0
  let incarnation = like?.incarnation ?? null
  let complete = false

  const clear = (holds: (path: string) => boolean) => {
    for (const path of [...entries.keys()]) if (holds(path)) entries.delete(path)
  }
  const applyEvent = (payload: FramePayload) => {
    const { op, path, value, store_seq: seq } = decodeStoreEvent(payload)
    if (seq !== cursor + 1) throw new Error(`Event ${seq} came after ${cursor}.`)
    for (const effect of eventEffects({ op, path, value })) {
      if (effect.kind === 'put') entries.set(effect.path, { value: effect.value, seq })
      else if (effect.kind === 'remove') entries.delete(effect.path)
      else clear((at) => (effect.kind === 'clear' && at === effect.path) || isAncestor(effect.path, at))
    }
    cursor = seq
  }
  const replace = (state: ReadonlyMap<string, Held>, seq: number) => {
    entries.clear()
    for (const [path, held] of state) entries.set(path, held)
    cursor = seq
  }
  const applyChunk = (payload: FramePayload) => {
    const chunk = decodeSnapshotChunk(payload)
    if (chunk.from === null) staged = new Map()
    for (const { path, value, seq } of chunk.entries) staged.set(path, { value, seq })
    if (chunk.last) replace(staged, chunk.snapshot_seq)
  }
  const take = (event: string, payload: FramePayload) => {
    if (event === 'event') applyEvent(payload)
    else if (event === 'events') splitEventBatch(payload).forEach(applyEvent)
    else if (event === 'snapshot_chunk') applyChunk(payload)
    else if (event === 'catch_up_complete') complete = true
    else {
      // A snapshot in one frame has entries of this shape.
      const all = Object.entries(payload.entries as unknown as { [path: string]: Held })
      replace(
        new Map(all.map(([path, { value, seq }]) => [path, { value, seq }])),
        Number(payload.snapshot_seq),
      )
    }
  }

  const client: ModelClient = {
    entries,
    get cursor() {
      return cursor
    },
    get incarnation() {
      return incarnation
    },
    copy: () => createModelClient(extended, client),
    catchUp(store, scheduler) {
      const asked = { extensions: [...EXTENSIONS], incarnation }
      const agreed = extended
        ? agree(store, asked, cursor)
        : { agreement: NO_EXTENSIONS, lastStoreSeq: cursor, reply: {} }
      if (agreed.reply.reset) replace(new Map(), 0)
      if (extended) incarnation = String(agreed.reply.incarnation)
      complete = false
      const member = createMember({
        outlet: {
          format: jsonFormat,
          send(frame) {
            const [, , , event, payload] = jsonCodec.decode(frame)
            take(event, payload)
          },
          congested: () => false,
          whenDrained: (run) => scheduler.defer(run),
        },
        store,
        topic: 'store:acme/t',
        joinRef: '1',
        lastStoreSeq: agreed.lastStoreSeq,
        agreement: agreed.agreement,
        failed(error) {
          throw error
        },
      })
      member.start()
      while (!complete && scheduler.step());
      member.stop()
      if (!complete) throw new Error('The catch-up did not come to its end.')
    },
  }
  return client
}
