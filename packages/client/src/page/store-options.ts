import { OptionError, type Pattern, type ResyncRequiredError } from '@dustlayer/protocol'
import type { ListOptions } from '@dustlayer/replica'
import {
  aBoolean,
  aFunction,
  anInteger,
  aSignal,
  aString,
  checkOptions,
  type OptionRule,
  oneOf,
} from '../options.js'
import type { SubscriptionMode } from '../tab/calls.js'
import type { LiveArguments } from './live.js'
import type { SubscribeArguments } from './subscribers.js'

/** How a listing is paged and projected (spec/semantics.md §8.2). */
export interface ListingOptions<Select extends string> {
  /**
   * Rows of a page, 1…1000 (what is outside counts as the nearest), 50 by default. With neither `limit` nor `after` a
   * listing is complete.
   */
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
   * `'all'` (default): own writes when they are made, others' when they are committed, own rejections, and
   * corrections, where what shows is not what the events so far add up to.
   * `'committed'`: what the server has committed, own writes included.
   * `'optimistic'`: own writes when they are made, own rejections, and corrections.
   */
  readonly mode?: SubscriptionMode | undefined
  /** How many events may wait for a slow callback before the subscription ends; 1,000 by default. */
  readonly maxQueueSize?: number | undefined
  /**
   * Called when the subscription has ended because the callback, or this tab, was too slow, or (of an `on`) because
   * changes were lost: while this tab was frozen, in the back/forward cache, without a worker, or late to answer a new
   * leading tab. Read what is needed anew and subscribe again.
   * Without it, an `on` goes on after such a loss and is not told of it (a `watch` has none to be told of), and the end
   * of a subscription is reported as an uncaught error.
   */
  readonly onResync?: ((error: ResyncRequiredError) => unknown) | undefined
  /** Ends the subscription when it aborts. */
  readonly signal?: AbortSignal | undefined
}

/** What a read may tell besides its answer. */
export interface GetOptions<T> {
  /**
   * Called at most once, and only before the answer: with the value that this device remembers from the last time,
   * within milliseconds of the start of a page, while the database is still being opened. The value is remembered for
   * next time.
   */
  readonly onStale?: ((value: T) => void) | undefined
}

/** In which order a live query has its nodes, and for how long. */
export interface LiveOptions {
  /** By path in UTF-8 byte order; `'asc'` by default. */
  readonly order?: 'asc' | 'desc' | undefined
  /**
   * `'allow'`: the result is remembered on this device, and at the next start it comes first, marked `stale: true`,
   * within milliseconds, while the database is still being opened. The real one always follows, with `stale: false`.
   */
  readonly stale?: 'allow' | undefined
  /** Ends the query when it aborts. */
  readonly signal?: AbortSignal | undefined
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
  options: SubscribeOptions = {},
): Pick<SubscribeArguments, 'mode' | 'signal' | 'maxQueueSize' | 'onResync'> {
  checkOptions(call, options, {
    mode: oneOf('all', 'committed', 'optimistic'),
    maxQueueSize: aSize,
    onResync: aFunction,
    signal: aSignal,
  })
  const { mode = 'all', maxQueueSize, onResync, signal } = options
  return { mode, maxQueueSize, onResync, signal }
}

export function checkLiveOptions(
  options: LiveOptions = {},
): Pick<LiveArguments, 'order' | 'stale' | 'signal'> {
  checkOptions('live', options, { order: oneOf('asc', 'desc'), stale: oneOf('allow'), signal: aSignal })
  const { order = 'asc', stale, signal } = options
  return { order, stale: stale === 'allow', signal }
}

export function checkGetOptions(options: GetOptions<never> | undefined): void {
  checkOptions('get', options, { onStale: aFunction })
}

const aSize: OptionRule = {
  must: 'a whole number, 1 or more',
  test: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
}

function withoutUndefined(options: ListingOptions<string> | undefined): ListOptions {
  // Only undefined goes, which `exactOptionalPropertyTypes` does not want and the checks let pass.
  return Object.fromEntries(
    Object.entries(options ?? {}).filter(([, value]) => value !== undefined),
  ) as ListOptions
}
