import type { DustError, PatternInput } from '@dustlayer/protocol'
import type { EntryData } from '@dustlayer/replica'
import type { RoutedEvent, SubscriptionMode } from '../tab/tab-protocol.js'
import type { SendCall } from './call-batch.js'
import { changeEvent, type DustEvent, type PresentEvent, presentEvent } from './events.js'

/** Ends a subscription. Calling it again does nothing. */
export type Off = () => void

export interface SubscribeArguments {
  readonly store: string
  readonly pattern: PatternInput
  readonly mode: SubscriptionMode
  readonly signal: AbortSignal | undefined
  readonly onChange: (event: DustEvent) => void
  /** Given for a `watch`: what is there at its beginning. */
  readonly onPresent?: (event: PresentEvent) => void
}

/** The callbacks of this page. */
export interface Subscribers {
  subscribe(options: SubscribeArguments): Off
  deliver(events: readonly RoutedEvent[]): void
  close(): void
}

interface Subscriber {
  readonly onChange: (event: DustEvent) => void
  /** Events that came before the entries that were there; null once those have been told. */
  early: DustEvent[] | null
}

export interface SubscribersOptions {
  readonly call: SendCall
  /** A callback threw. */
  report(error: unknown): void
}

export function createSubscribers({ call, report }: SubscribersOptions): Subscribers {
  const subscribers = new Map<number, Subscriber>()
  let lastId = 0

  /** One callback's failure is its own: it is reported, and the others are called. */
  const tell = <E>(callback: (event: E) => void, event: E): void => {
    try {
      callback(event)
    } catch (error) {
      report(error)
    }
  }

  const begin = (
    id: number,
    store: string,
    present: readonly EntryData[],
    onPresent: (event: PresentEvent) => void,
  ): void => {
    for (const entry of present) {
      if (!subscribers.has(id)) return
      tell(onPresent, presentEvent(store, entry))
    }
    const subscriber = subscribers.get(id)
    if (!subscriber) return
    const early = subscriber.early ?? []
    subscriber.early = null
    for (const event of early) if (subscribers.has(id)) tell(subscriber.onChange, event)
  }

  return {
    subscribe({ store, pattern, mode, signal, onChange, onPresent }) {
      if (signal?.aborted) return () => undefined
      const id = ++lastId
      subscribers.set(id, { onChange, early: onPresent ? [] : null })
      const off = (): void => {
        signal?.removeEventListener('abort', off)
        if (subscribers.delete(id)) call({ kind: 'unsubscribe', store, id }).catch(() => undefined)
      }
      signal?.addEventListener('abort', off, { once: true })
      call({
        kind: 'subscribe',
        store,
        subscription: { id, store, pattern, mode },
        present: onPresent !== undefined,
      }).then(
        (present) => onPresent && begin(id, store, present, onPresent),
        (error: DustError) => {
          // Without this the callback would stay silent and nobody would know why.
          if (subscribers.delete(id)) report(error)
        },
      )
      return off
    },
    deliver(events) {
      for (const { event, to } of events) {
        const change = changeEvent(event)
        for (const id of to) {
          const subscriber = subscribers.get(id)
          if (subscriber?.early) subscriber.early.push(change)
          else if (subscriber) tell(subscriber.onChange, change)
        }
      }
    },
    close: () => subscribers.clear(),
  }
}
