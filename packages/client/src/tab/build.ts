import type { Build } from './tab-protocol.js'

/** How another tab's build compares with one's own. */
export function compareBuilds(other: Build, own: Build): 'same' | 'older' | 'newer' {
  const difference = other.v - own.v || other.schema - own.schema
  if (difference === 0) return 'same'
  return difference < 0 ? 'older' : 'newer'
}
