import { BARE_INSERTS, BARE_WS, DUST } from '../scenarios/server-writes.js'
import type { Section } from '../section.js'
import { valueIn } from '../section.js'

/** A ratio, or a time, that issue 2 sets as an aim. */
export interface Aim {
  readonly text: string
  readonly measured: string
  readonly met: boolean
}

type Lookup = (section: string, subject: string, column: string) => number | undefined

/** The aims whose scenarios are among the sections. */
export function judgeAims(sections: readonly Section[]): Aim[] {
  const lookup: Lookup = (name, subject, column) => {
    const section = sections.find((candidate) => candidate.name === name)
    return section && valueIn(section, subject, column)
  }
  return [
    atLeast(
      'reads at once: at least 5 times idb-keyval’s',
      5,
      lookup('reads-at-once', 'idb-keyval', 'calls'),
      lookup('reads-at-once', 'dust', 'calls'),
    ),
    atLeast(
      'durable writes at once: at least 5 times idb-keyval’s, as shipped',
      5,
      lookup('writes-at-once', 'idb-keyval', 'calls'),
      lookup('writes-at-once', 'dust', 'calls'),
    ),
    atLeast(
      'durable writes at once: at least 5 times idb-keyval’s with flushes like ours',
      5,
      lookup('writes-at-once', 'idb-keyval strict', 'calls'),
      lookup('writes-at-once', 'dust', 'calls'),
    ),
    ...['10,000 events', '100,000 events', '10,000 snapshot', '100,000 snapshot'].map((column) =>
      atLeast(
        `bulk ingest in the worker (${column}): at least 0.7 times raw sqlite-wasm’s`,
        0.7,
        lookup('ingest-worker', 'raw sqlite-wasm', column),
        lookup('ingest-worker', 'replica', column),
      ),
    ),
    atMost(
      'a lone durable put: at most 1.3 times bare Comlink with the same pragmas',
      1.3,
      lookup('lone-write', 'dust', 'p50'),
      lookup('lone-write', 'sqlite', 'p50'),
    ),
    atMost(
      'put to callback in the same tab: at most 0.5 ms',
      0.5,
      lookup('callback-same-tab', 'dust', 'p50'),
      1,
      ' ms',
    ),
    atMost(
      'first paint of a warm start: at most 30 ms',
      30,
      lookup('first-paint', 'dust', 'first'),
      1,
      ' ms',
    ),
    ...serverAims(sections, lookup),
  ].filter((aim) => aim !== undefined)
}

function serverAims(sections: readonly Section[], lookup: Lookup): (Aim | undefined)[] {
  const columns = sections.find(({ name }) => name === 'server-writes')?.columns ?? []
  return columns.map(({ name }) => {
    const socket = lookup('server-writes', BARE_WS, name)
    const inserts = lookup('server-writes', BARE_INSERTS, name)
    const bound = socket !== undefined && inserts !== undefined ? Math.min(socket, inserts) : undefined
    return atLeast(
      `server, ${name}: at least 0.5 times the lower bare limit`,
      0.5,
      lookup('server-writes', DUST, name),
      bound,
    )
  })
}

function atLeast(text: string, aim: number, value?: number, base?: number): Aim | undefined {
  if (value === undefined || base === undefined) return undefined
  return { text, measured: `${(value / base).toFixed(2)}×`, met: value / base >= aim }
}

function atMost(text: string, aim: number, value?: number, base?: number, unit = '×'): Aim | undefined {
  if (value === undefined || base === undefined) return undefined
  return { text, measured: `${(value / base).toFixed(2)}${unit}`, met: value / base <= aim }
}
