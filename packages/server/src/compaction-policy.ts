import { OptionError } from '@dustlayer/protocol'
import { closestName } from './closest-name.js'

/** How much of its log a store keeps (docs/decisions/0065). */
export interface CompactionPolicy {
  /** The newest ops, so many of them, stay whatever their age. */
  readonly minOps: number
  /** Ops stay for so many milliseconds. */
  readonly keepMs: number
  /** The log never keeps more ops than this, whoever may still need them. */
  readonly maxOps: number
}

export const DEFAULT_COMPACTION: CompactionPolicy = {
  minOps: 10_000,
  keepMs: 7 * 24 * 60 * 60 * 1_000,
  maxOps: 1_000_000,
}

const NAMES = ['minOps', 'keepMs', 'maxOps'] as const

/**
 * A whole policy; null when the log is to be kept.
 * @throws OptionError for an unknown name or a value that is no whole number, and when `maxOps` is below `minOps`.
 */
export function compactionPolicy(given: Partial<CompactionPolicy> | false = {}): CompactionPolicy | null {
  if (given === false) return null
  const unknown = Object.keys(given).find((name) => !NAMES.some((known) => known === name))
  if (unknown !== undefined) {
    const meant = closestName(unknown, NAMES)
    throw new OptionError(
      `Unknown option "compaction.${unknown}".${meant === undefined ? '' : ` Did you mean "compaction.${meant}"?`}`,
    )
  }
  const policy = { ...DEFAULT_COMPACTION, ...given }
  for (const name of NAMES) {
    if (Number.isSafeInteger(policy[name]) && policy[name] >= 0) continue
    throw new OptionError(`The option "compaction.${name}" is a whole number from 0.`)
  }
  if (policy.maxOps < policy.minOps || policy.maxOps === 0) {
    throw new OptionError('The option "compaction.maxOps" is at least 1, and not below "compaction.minOps".')
  }
  return policy
}
