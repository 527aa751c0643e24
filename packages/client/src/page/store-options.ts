import { OptionError, type Pattern } from '@dustlayer/protocol'
import type { ListOptions } from '@dustlayer/replica'
import { aBoolean, anInteger, aRevision, aSignal, aString, checkOptions, oneOf } from '../options.js'
import type { SubscriptionMode } from '../tab/tab-protocol.js'

/** Preconditions of a put. At most one of them. */
export interface PutOptions {
  /** Write only if the entry still has this revision. */
  readonly ifMatch?: number | undefined
  /** Write only if there is no entry. */
  readonly ifAbsent?: boolean | undefined
}

/** The precondition of a delete. */
export interface DeleteOptions {
  /** Delete only if the entry still has this revision. */
  readonly ifMatch?: number | undefined
}

/** How a listing is paged and projected (spec/semantics.md §8.2). */
export interface ListingOptions<Select extends string> {
  /** Rows of a page, 1…1000, 50 by default. With neither `limit` nor `after` a listing is complete. */
  readonly limit?: number | undefined
  /** By path in UTF-8 byte order; `'asc'` by default. */
  readonly order?: 'asc' | 'desc' | undefined
  /** Where to go on: the `nextCursor` of the page before. */
  readonly after?: string | undefined
  readonly select?: Select | undefined
  /** List leaves also where a pattern without `**` would list nodes. */
  readonly leaves?: boolean | undefined
}

export type EnumSelect = 'entries' | 'keys' | 'prefixes'
export type RangeSelect = 'entries' | 'keys'

/** Which events a subscriber gets, and for how long. */
export interface SubscribeOptions {
  /**
   * `'all'` (default): own writes when they are made, others' when they are committed, and own rejections.
   * `'committed'`: what the server has committed, own writes included.
   * `'optimistic'`: own writes when they are made, and own rejections.
   */
  readonly mode?: SubscriptionMode | undefined
  /** Ends the subscription when it aborts. */
  readonly signal?: AbortSignal | undefined
}

export function checkPutOptions(options: PutOptions | undefined): { ifMatch?: number; ifAbsent?: true } {
  checkOptions('put', options, { ifMatch: aRevision, ifAbsent: aBoolean })
  if (options?.ifMatch !== undefined && options.ifAbsent) {
    throw new OptionError('put takes ifMatch or ifAbsent, not both: an entry that is absent has no revision.')
  }
  if (options?.ifMatch !== undefined) return { ifMatch: options.ifMatch }
  return options?.ifAbsent ? { ifAbsent: true } : {}
}

export function checkDeleteOptions(options: DeleteOptions | undefined): { ifMatch?: number } {
  checkOptions('delete', options, { ifMatch: aRevision })
  return options?.ifMatch === undefined ? {} : { ifMatch: options.ifMatch }
}

const LISTING = { limit: anInteger, order: oneOf('asc', 'desc'), after: aString }

export function checkEnumOptions(
  options: ListingOptions<EnumSelect> | undefined,
  pattern: Pattern,
): ListOptions {
  const rules = { ...LISTING, select: oneOf('entries', 'keys', 'prefixes'), leaves: aBoolean }
  checkOptions('enum', options, rules)
  if (
    options?.select === 'prefixes' &&
    ((typeof pattern.source === 'object' && 'extglob' in pattern.source) || !pattern.many)
  ) {
    throw new OptionError("select: 'prefixes' needs the pattern `**` or one that ends in `/**`.", {
      option: 'select',
    })
  }
  return withoutUndefined(options)
}

export function checkRangeOptions(options: ListingOptions<RangeSelect> | undefined): ListOptions {
  checkOptions('range', options, { ...LISTING, select: oneOf('entries', 'keys') })
  return withoutUndefined(options)
}

export function checkSubscribeOptions(
  call: string,
  options: SubscribeOptions | undefined,
): { mode: SubscriptionMode; signal: AbortSignal | undefined } {
  checkOptions(call, options, { mode: oneOf('all', 'committed', 'optimistic'), signal: aSignal })
  return { mode: options?.mode ?? 'all', signal: options?.signal }
}

function withoutUndefined(options: ListingOptions<string> | undefined): ListOptions {
  // Only undefined goes, which `exactOptionalPropertyTypes` does not want and the checks let pass.
  return Object.fromEntries(
    Object.entries(options ?? {}).filter(([, value]) => value !== undefined),
  ) as ListOptions
}
