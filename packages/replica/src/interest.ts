import { isPlainMap, type Pattern, type PatternIndex, parsePath } from '@dustlayer/protocol'
import type { DustEvent } from './events.js'

/** Which of its own and the others' ops a subscriber is told about (see {@link DustEvent}). */
export type EventMode = 'all' | 'committed' | 'optimistic'

/**
 * What subscribers could want to be told besides ops at their own paths. Answering true too often costs time, and
 * `wantsEvent` sorts it out; answering false wrongly keeps a change from somebody.
 */
export interface Interest {
  /** Whether a consequence or a correction at the path is wanted, a node's or a leaf's. `cause` is the op's path. */
  at(path: string, about: { readonly node: boolean; readonly cause?: string }): boolean
  /** Whether consequences of an op at the path are wanted anywhere below it. */
  below(path: string): boolean
}

/** Everybody wants to know everything. */
export const ALL_INTEREST: Interest = { at: () => true, below: () => true }

/** The interest of those in an index of patterns. */
export function interestOf<T>(index: PatternIndex<T>, patternOf: (value: T) => Pattern): Interest {
  return {
    at(path, { node, cause }) {
      if (index.size === 0) return false
      const matching = index.match(parsePath(path)).map(patternOf)
      return matching.some((pattern) => (node ? !pattern.many : true) && !toldOf(pattern, cause))
    },
    below(path) {
      if (index.size === 0) return false
      const segments = parsePath(path)
      return index.below(segments).some((value) => !patternOf(value).matches(segments))
    },
  }
}

/** Whether a subscriber in this mode, whose pattern matches the event's path, is told of the event. */
export function wantsEvent(mode: EventMode, event: DustEvent, pattern: Pattern): boolean {
  if (!wantedInMode(mode, event)) return false
  const { cause, correctionFor } = event
  if (cause === undefined && correctionFor === undefined) return true
  if (pattern.many && isAboutNode(event)) return false
  return !toldOf(pattern, cause?.path)
}

/** An own op shows once: when it is issued, or when it is committed. */
export function wantedInMode(mode: EventMode, event: DustEvent): boolean {
  if (event.error || event.source === 'local') return mode !== 'committed'
  if (event.own) return mode === 'committed'
  return mode !== 'optimistic'
}

/** A consequence or correction at a node, be it there or gone. */
export function isAboutNode({ op, value, entryType }: DustEvent): boolean {
  return entryType === 'map' && (op === 'delete' || isPlainMap(value))
}

/** Whether who has this pattern is told of the op itself. No pattern matches the root, which snapshots have as path. */
function toldOf(pattern: Pattern, cause: string | undefined): boolean {
  return cause !== undefined && cause !== '' && pattern.matches(parsePath(cause))
}
