import { readFileSync } from 'node:fs'
import { parseJson } from '@dustlayer/protocol'

/** A vector file of the protocol package. It is ours, and of the shape that its readers expect. */
export function readVectors<T>(name: string): T {
  const file = new URL(`../../../protocol/vectors/${name}`, import.meta.url)
  // Integers beyond 2^53 need the lossless parser.
  return parseJson(readFileSync(file, 'utf8')) as unknown as T
}

/** Tags that the reference gives, and the documented ones that this implementation gives instead. */
const DOCUMENTED_TAGS: { readonly [reference: string]: readonly string[] } = {
  string: ['list'],
  map: ['decimal', 'datetime', 'file'],
}

export function sameTag(actual: unknown, reference: unknown): boolean {
  if (actual === reference) return true
  return (DOCUMENTED_TAGS[String(reference)] ?? []).includes(String(actual))
}
