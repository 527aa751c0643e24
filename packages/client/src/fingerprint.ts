import type { JsonValue } from '@dustlayer/protocol'
import type { EntryData } from '@dustlayer/replica'

/**
 * A number of 53 bits that equal values share, whatever the order of their keys, and different ones practically never.
 * For knowing whether something has changed without keeping what it was.
 */
export function printOfValue(value: JsonValue): number {
  const hash = startHash()
  addValue(hash, value)
  return finish(hash)
}

/** The same of everything that an entry tells. */
export function printOfEntry({ value, type, sets, revision, syncedAt, pending }: EntryData): number {
  const hash = startHash()
  addText(hash, `${type}\n${revision}\n${syncedAt}\n${pending}\n${sets?.join('\n') ?? ''}`)
  addValue(hash, value)
  return finish(hash)
}

interface Hash {
  high: number
  low: number
}

function startHash(): Hash {
  return { high: 0xdeadbeef, low: 0x41c6ce57 }
}

function addUnit(hash: Hash, unit: number): void {
  hash.high = Math.imul(hash.high ^ unit, 2654435761)
  hash.low = Math.imul(hash.low ^ unit, 1597334677)
}

function addText(hash: Hash, text: string): void {
  for (let i = 0; i < text.length; i++) addUnit(hash, text.charCodeAt(i))
  // Beyond all UTF-16 units, so that the ends of texts count.
  addUnit(hash, 0x10000)
}

function addValue(hash: Hash, value: JsonValue): void {
  if (Array.isArray(value)) {
    addUnit(hash, 0x10001)
    for (const item of value) addValue(hash, item)
    addUnit(hash, 0x10002)
  } else if (typeof value === 'object' && value !== null) {
    addUnit(hash, 0x10003)
    for (const key of Object.keys(value).sort()) {
      addText(hash, key)
      // A key of the object, so there is a value.
      addValue(hash, (value as { readonly [key: string]: JsonValue })[key] as JsonValue)
    }
    addUnit(hash, 0x10004)
  } else {
    addText(hash, `${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`)
  }
}

/** Mixes both halves, so that each input bit counts in each output bit, and joins them to a safe integer. */
function finish({ high, low }: Hash): number {
  let h = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  let l = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  h >>>= 0
  l >>>= 0
  return 4294967296 * (l & 0x1fffff) + h
}
