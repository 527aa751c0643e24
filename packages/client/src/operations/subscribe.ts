import { OptionError, type PatternInput, parseGivenPattern, type Value } from '@dustlayer/protocol'
import type { Connection } from '../page/connection.js'
import type { DustEvent, WatchEvent } from '../page/events.js'
import type { LiveResult } from '../page/live.js'
import {
  checkLiveOptions,
  checkSubscribeOptions,
  type LiveOptions,
  type SubscribeOptions,
} from '../page/store-options.js'
import type { Off } from '../page/subscribers.js'
import { checkStoreName } from '../store-name.js'

/**
 * Who is told of what. A callback that returns a promise is called again when that has settled; what it throws is
 * reported and concerns nobody else.
 */
export interface SubscribeOperations {
  /** Calls back for each change at a matching path, from now on (see {@link DustEvent}). */
  on(
    store: string,
    pattern: PatternInput,
    callback: (event: DustEvent) => unknown,
    options?: SubscribeOptions,
  ): Off
  /**
   * Calls back for each matching entry that is there, then for each change: nothing missed, nothing twice, also when
   * the leading tab dies. What changed while nobody could tell comes as changes with the cause `snapshot`.
   */
  watch(
    store: string,
    pattern: PatternInput,
    callback: (event: WatchEvent) => unknown,
    options?: SubscribeOptions,
  ): Off
  /**
   * Calls back with the nodes that match (as `enum` lists them; a path matches itself), at first and whenever one of
   * them or anything below it changes. Several changes may come as one when the callback is slow.
   *
   * `T` is what the caller knows about the values; it is not checked.
   * @example
   * const off = dust.live('org/app', 'todos/*', ({ nodes, changed, removed }) => render(nodes))
   */
  live<T = Value>(
    store: string,
    pattern: PatternInput,
    callback: (result: LiveResult<T>) => unknown,
    options?: LiveOptions,
  ): Off
}

export function createSubscribeOperations({
  subscribe,
  live,
}: Pick<Connection, 'subscribe' | 'live'>): SubscribeOperations {
  return {
    on(store, pattern, callback, options) {
      return subscribe({
        store: checkStoreName(store),
        pattern: parseGivenPattern(pattern).source,
        ...checkSubscribeOptions('on', options),
        onChange: checkCallback('on', callback),
      })
    },
    watch(store, pattern, callback, options) {
      return subscribe({
        store: checkStoreName(store),
        pattern: parseGivenPattern(pattern).source,
        ...checkSubscribeOptions('watch', options),
        onChange: checkCallback('watch', callback),
        onPresent: callback,
      })
    },
    live<T>(
      store: string,
      pattern: PatternInput,
      callback: (result: LiveResult<T>) => unknown,
      options?: LiveOptions,
    ) {
      checkCallback('live', callback)
      return live({
        store: checkStoreName(store),
        pattern: parseGivenPattern(pattern).source,
        ...checkLiveOptions(options),
        // T is what the caller knows about the values.
        callback: (result) => callback(result as LiveResult<T>),
      })
    },
  }
}

/** @throws OptionError when it is no function. */
export function checkCallback<F>(call: string, callback: F): F {
  if (typeof callback === 'function') return callback
  throw new OptionError(`${call} needs a function to call back.`, { option: 'callback' })
}
