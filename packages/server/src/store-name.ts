import { OptionError } from '@dustlayer/protocol'

/** An organization and a store in it, as in `acme/todos`. */
export interface StoreName {
  readonly org: string
  readonly name: string
}

// Both become parts of a file name, so nothing else may pass (spec/http.md §4).
const ORG = /^[a-z0-9][a-z0-9-]{0,62}$/
const NAME = /^[a-z0-9][a-z0-9._-]{0,126}$/

export function isOrg(text: string): boolean {
  return ORG.test(text)
}

/** Splits at the first slash; undefined when the text is no store name. */
export function readStoreName(text: string): StoreName | undefined {
  const slash = text.indexOf('/')
  const org = text.slice(0, slash)
  const name = text.slice(slash + 1)
  return slash > 0 && ORG.test(org) && NAME.test(name) ? { org, name } : undefined
}

/** @throws OptionError when the text is no store name. */
export function parseStoreName(text: string): StoreName {
  const parsed = readStoreName(text)
  if (parsed) return parsed
  throw new OptionError(
    `"${text}" is no store name. It is org/name in lower case: letters, digits and "-" in the organization, also "." and "_" in the name.`,
  )
}
