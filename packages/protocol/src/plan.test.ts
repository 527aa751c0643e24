import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { FramePayload } from './frame.js'
import { type JsonValue, parseJson, stringifyJson } from './json.js'
import { parseWrite } from './op.js'
import { createModelStore } from './testing/model-store.js'

interface Vectors {
  clock_start_ms: number
  sequences: { id: string; note: string; steps: Step[]; entries: VectorEntry[] }[]
}
interface VectorEntry {
  path: string
  value: JsonValue
  type: string
  seq: number
}
interface Step {
  send?: { event: string; payload: FramePayload }
  reply?: { status: string; response: { [name: string]: JsonValue } }
  event?: { [name: string]: JsonValue } | null
  reason_not_contractual?: boolean
  get?: string
  expect?: VectorEntry | null
  advance_ms?: number
}

// The vectors are ours and of this shape; integers beyond 2^53 need the lossless parser.
const vectors = parseJson(
  readFileSync(new URL('../vectors/dust-ops.json', import.meta.url), 'utf8'),
) as unknown as Vectors

/** Tags that the reference gives and the documented ones that this implementation gives instead. */
const SAME_TAG: { [reference: string]: string[] } = {
  string: ['string', 'list'],
  map: ['map', 'decimal', 'datetime', 'file'],
}

const sameTag = (actual: string, reference: string) => (SAME_TAG[reference] ?? [reference]).includes(actual)

/** JavaScript has one number type: 1 and 1.0 are the same member, so this sequence's list is shorter here. */
const INEXPRESSIBLE = new Set(['add-equality'])

describe('E01 dust-ops: every sequence, planned against the model store', () => {
  it.each(vectors.sequences.filter(({ id }) => !INEXPRESSIBLE.has(id)))(
    '$id: $note',
    ({ steps, entries }) => {
      const store = createModelStore()
      let now = vectors.clock_start_ms
      for (const step of steps) {
        now += step.advance_ms ?? 0
        if (step.send) expectOutcome(step, () => write(store, step.send?.payload ?? {}, now))
        if (step.get !== undefined) expect(store.read(step.get)).toEqual(step.expect?.value)
      }
      expect(store.entries().map(({ type, ...rest }) => rest)).toEqual(
        entries.map(({ type, ...rest }) => rest),
      )
      for (const [i, entry] of store.entries().entries()) {
        expect(sameTag(entry.type, entries[i]?.type ?? ''), `${entry.path} is ${entry.type}`).toBe(true)
      }
    },
  )

  it('add-equality: equal lists and maps are one member; 1 and 1.0 are the same number here', () => {
    const store = createModelStore()
    for (const value of [1, { k: 1 }, { k: 1 }, [1, 2], [1, 2], '1', false]) {
      write(store, { op: 'add', path: 's', value, client_op_id: 'o' }, 0)
    }
    expect(store.read('s')).toEqual([false, '1', [1, 2], { k: 1 }, 1])
  })
})

function write(store: ReturnType<typeof createModelStore>, payload: FramePayload, now: number) {
  const parsed = parseWrite(payload)
  const plan = parsed.ok ? store.apply(parsed.op, now) : parsed
  if (!plan.ok) return { reply: { status: 'error', response: plan.rejection }, event: null }
  if (plan.noop) return { reply: { status: 'ok', response: plan.reply }, event: null }
  const { seq, path, value, op, opId } = store.log.at(-1) ?? raise()
  return {
    reply: { status: 'ok', response: { store_seq: seq, ...plan.reply } },
    event: { store_seq: seq, op, path, value, client_op_id: opId },
  }
}

function raise(): never {
  throw new Error('an accepted op is missing from the log')
}

function expectOutcome(step: Step, run: () => { reply: object; event: object | null }): void {
  const { reply, event } = run()
  const about = stringifyJson(step.send?.payload ?? null)
  if (step.reason_not_contractual) expect(reply, about).toMatchObject({ status: 'error' })
  // A conflict may carry the current revision besides what the vector has (spec/wire.md §13).
  else expect(reply, about).toMatchObject(step.reply ?? {})
  if (step.event) expect(event, about).toMatchObject({ ...withoutSegments(step.event) })
  else expect(event, about).toBeNull()
}

function withoutSegments({ path_segments, ...rest }: { [name: string]: JsonValue }) {
  return rest
}
