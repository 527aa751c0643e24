import type { JsonMap } from '../value.js'

/** Whether an envelope has these keys and no others, so that a class which holds them loses nothing. */
export function hasExactKeys(envelope: JsonMap, keys: readonly string[]): boolean {
  return Object.keys(envelope).length === keys.length && keys.every((key) => Object.hasOwn(envelope, key))
}
