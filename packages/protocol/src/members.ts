import type { JsonValue } from './json.js'
import { equalValues } from './value.js'

/** An op on a set. */
export interface MemberChange {
  readonly op: 'add' | 'remove'
  readonly value: JsonValue
}

/** The members that such an op finds in place of what is there. */
export function membersOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

/** Newest first; adding again moves to the front, and the whole list is deduplicated (spec/semantics.md §4.3). */
export function addMember(members: readonly JsonValue[], member: JsonValue): JsonValue[] {
  // Equal scalars are identical, so a Set finds them; only lists and maps need comparing one by one.
  const scalars = new Set<JsonValue>()
  const containers: JsonValue[] = []
  return [member, ...members].filter((candidate) => {
    if (typeof candidate !== 'object') return !scalars.has(candidate) && scalars.add(candidate)
    return !containers.some((seen) => equalValues(seen, candidate)) && containers.push(candidate)
  })
}

export function removeMember(members: readonly JsonValue[], member: JsonValue): JsonValue[] {
  const at = members.findIndex((candidate) => equalValues(candidate, member))
  return at < 0 ? [...members] : members.filter((_, i) => i !== at)
}

/** What the ops make of the members one after the other, in time that grows with their number and not with its square. */
export function changeMembers(
  members: readonly JsonValue[],
  changes: readonly MemberChange[],
): readonly JsonValue[] {
  const oneByOne = (from: readonly JsonValue[], some: readonly MemberChange[]): readonly JsonValue[] =>
    some.reduce((list, { op, value }) => (op === 'add' ? addMember : removeMember)(list, value), from)

  if (!members.every(isScalar) || !changes.every(({ value }) => isScalar(value))) {
    return oneByOne(members, changes)
  }
  // What is there more than once is so until something is added.
  const unique = new Set(members).size === members.length
  const added = changes.findIndex(({ op }) => op === 'add')
  const first = unique ? 0 : added < 0 ? changes.length : added + 1
  const start = oneByOne(members, changes.slice(0, first))
  if (first === changes.length) return start

  const oldestFirst = new Set([...start].reverse())
  for (const { op, value } of changes.slice(first)) {
    oldestFirst.delete(value)
    if (op === 'add') oldestFirst.add(value)
  }
  return [...oldestFirst].reverse()
}

/** Equal ones are identical. */
function isScalar(value: JsonValue): boolean {
  return typeof value !== 'object' || value === null
}
