import { OptionError } from '@dustlayer/protocol'

/** What a token may do (spec/http.md §9). */
export const SCOPES = [
  'stores:read',
  'stores:create',
  'stores:clone',
  'entries:read',
  'entries:write',
  'files:read',
  'files:write',
  'webhooks:read',
  'webhooks:write',
  'audit:read',
  'tokens:read',
  'tokens:write',
] as const

export type Scope = (typeof SCOPES)[number]

function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text)
}

/**
 * Scopes from a comma-separated list, sorted and without duplicates.
 * @throws OptionError for an unknown scope, or when there is none.
 */
export function parseScopes(list: string): Scope[] {
  const names = list.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !isScope(name))
  if (unknown !== undefined) {
    throw new OptionError(`"${unknown}" is no scope. Known scopes: ${SCOPES.join(', ')}.`)
  }
  return [...new Set(names.filter(isScope))].sort()
}
