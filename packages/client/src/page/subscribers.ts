import {
  type DustError,
  type PatternInput,
  parseGivenPattern,
  ResyncRequiredError,
} from '@dustlayer/protocol'
import type { SubscriptionMode } from '../tab/calls.js'
import type { Presence, RoutedEvent } from '../tab/news.js'
import type { SendCall } from './call-batch.js'
import { type CallbackQueue, createCallbackQueue } from './callback-queue.js'
import { changeEvent, type DustEvent, type PresentEvent, presentEvent, type WatchEvent } from './events.js'
import { createTold, type Told } from './told.js'

/** Ends a subscription. Calling it again does nothing. */
export type Off = () => void

export interface SubscribeArguments {
  readonly store: string
  readonly pattern: PatternInput
  readonly mode: SubscriptionMode
  readonly signal: AbortSignal | undefined
  /** 1,000 by default. */
  readonly maxQueueSize?: number | undefined
  /** The subscription has ended, because events were or would have been lost. */
  readonly onResync?: ((error: ResyncRequiredError) => unknown) | undefined
  readonly onChange: (event: DustEvent) => unknown
  /** Given for a `watch`: what is there at its beginning. */
  readonly onPresent?: (event: PresentEvent) => unknown
}

/** The callbacks of this page. */
export interface Subscribers {
  subscribe(options: SubscribeArguments): Off
  /** What there is for a `watch`: at its beginning, or after events may have been lost. */
  present(presence: readonly Presence[]): void
  deliver(events: readonly RoutedEvent[]): void
  /** The leader has dropped these: what came for them was more than this page took in, or some of it is lost. */
  drop(ids: readonly number[]): void
  close(): void
}

interface Subscriber {
  readonly options: SubscribeArguments
  readonly queue: CallbackQueue<WatchEvent>
  readonly off: Off
  /** Of a `watch` that has begun. */
  told: Told | undefined
}

export interface SubscribersOptions {
  readonly call: SendCall
  /** A number that no other subscription of this page has. */
  nextId(): number
  /** A callback threw. */
  report(error: unknown): void
}

const MAX_QUEUE_SIZE = 1_000

export function createSubscribers({ call, nextId, report }: SubscribersOptions): Subscribers {
  const subscribers = new Map<number, Subscriber>()

  /** Forgets it here; whether it was known. */
  const remove = (id: number): Subscriber | undefined => {
    const subscriber = subscribers.get(id)
    if (!subscriber) return undefined
    subscribers.delete(id)
    subscriber.queue.stop()
    subscriber.options.signal?.removeEventListener('abort', subscriber.off)
    return subscriber
  }

  const unsubscribe = (id: number, store: string): void => {
    call({ kind: 'unsubscribe', store, id }).catch(() => undefined)
  }

  const resync = (id: number, reason: string): void => {
    const subscriber = remove(id)
    if (!subscriber) return
    const { store, pattern, onResync } = subscriber.options
    const what = `${store}: the subscription to ${JSON.stringify(pattern)} has ended, because ${reason}.`
    const error = new ResyncRequiredError(`${what} Read what you need anew, and subscribe again.`, { store })
    // Without this the callback would stay silent and nobody would know why.
    if (!onResync) report(error)
    else
      createCallbackQueue({ callback: onResync, limit: 1, report, onOverflow: () => undefined }).push(error)
  }

  return {
    subscribe(options) {
      const { store, pattern, mode, signal, maxQueueSize = MAX_QUEUE_SIZE, onChange, onPresent } = options
      if (signal?.aborted) return () => undefined
      const id = nextId()
      const off = (): void => {
        if (remove(id)) unsubscribe(id, store)
      }
      const queue = createCallbackQueue<WatchEvent>({
        callback: (event) => (event.type === 'present' ? onPresent?.(event) : onChange(event)),
        limit: maxQueueSize,
        report,
        onOverflow() {
          unsubscribe(id, store)
          resync(id, `its callback is slower than the changes (maxQueueSize is ${maxQueueSize})`)
        },
      })
      subscribers.set(id, { options, queue, off, told: undefined })
      signal?.addEventListener('abort', off, { once: true })
      const subscription = {
        id,
        store,
        pattern,
        mode,
        watch: onPresent !== undefined,
        maxQueueSize,
        gapless: options.onResync !== undefined,
      }
      call({ kind: 'subscribe', store, subscription }).catch((error: DustError) => {
        // As above.
        if (remove(id)) report(error)
      })
      return off
    },
    present(presence) {
      for (const { to, store, entries } of presence) {
        const subscriber = subscribers.get(to)
        if (!subscriber) continue
        const { queue, told, options } = subscriber
        if (!told) {
          subscriber.told = createTold(parseGivenPattern(options.pattern), entries)
          queue.pushAll(entries.map((entry) => presentEvent(store, entry)))
        } else if (options.mode !== 'optimistic') {
          queue.pushAll(told.level(store, entries).map(changeEvent))
        }
      }
    },
    deliver(events) {
      for (const { event, to } of events) {
        // Before any callback gets hold of the value.
        for (const id of to) subscribers.get(id)?.told?.note(event)
        const change = changeEvent(event)
        for (const id of to) subscribers.get(id)?.queue.push(change)
      }
    },
    drop(ids) {
      for (const id of ids) {
        resync(id, 'more changed than this tab took in, or changes were lost while the leading tab changed')
      }
    },
    close() {
      for (const id of [...subscribers.keys()]) remove(id)
    },
  }
}
