import type { DustEvent } from '@dustlayer/replica'
import { describe, expect, test } from 'vitest'
import type { SubscriptionMode } from '../tab/calls.js'
import { createSubscriptions, type Subscriptions } from './subscriptions.js'

const base: DustEvent = {
  store: 'acme/app',
  path: 'users/ann',
  op: 'set',
  value: 1,
  committed: true,
  source: 'server',
  own: false,
  catchUp: false,
}
const situations = {
  optimistic: { ...base, committed: false, source: 'local', own: true },
  'committed, own': { ...base, own: true },
  'committed, foreign': base,
  rejection: {
    ...base,
    committed: false,
    own: true,
    value: null,
    error: { name: 'ConflictError', code: 'conflict', message: '', fields: {} },
  },
} satisfies { [name: string]: DustEvent }

function subscribe(
  subscriptions: Subscriptions,
  tab: string,
  id: number,
  pattern: string,
  mode: SubscriptionMode = 'all',
): void {
  subscriptions.add(tab, {
    id,
    store: 'acme/app',
    pattern,
    mode,
    watch: false,
    maxQueueSize: 10,
    gapless: false,
  })
}

/** Who is told, as tab and id. */
const told = (subscriptions: Subscriptions, event: DustEvent): string[] =>
  subscriptions.route(event).map(({ tab, id }) => `${tab}${id}`)

describe('J03 modes (spec/semantics.md §9.3)', () => {
  const table: readonly (readonly [SubscriptionMode, (keyof typeof situations)[]])[] = [
    ['all', ['optimistic', 'committed, foreign', 'rejection']],
    ['committed', ['committed, own', 'committed, foreign']],
    ['optimistic', ['optimistic', 'rejection']],
  ]
  test.each(table)('%s', (mode, wanted) => {
    const subscriptions = createSubscriptions()
    subscribe(subscriptions, 'a', 1, '**', mode)
    const heard = Object.entries(situations).filter(([, event]) => told(subscriptions, event).length > 0)
    expect(heard.map(([name]) => name)).toEqual(wanted)
  })
})

describe('routing', () => {
  test('J01 J02 an event goes to the subscriptions that match the path of its op, by tab', () => {
    const subscriptions = createSubscriptions()
    subscribe(subscriptions, 'a', 1, 'users/*')
    subscribe(subscriptions, 'a', 2, '**')
    subscribe(subscriptions, 'b', 1, 'users/*/name')
    subscribe(subscriptions, 'b', 2, 'users/ann')
    expect(told(subscriptions, base)).toEqual(['a1', 'a2', 'b2'])
    expect([...subscriptions.tabs()]).toEqual(['a', 'b'])
    subscriptions.remove('a', 2)
    subscriptions.dropTab('b')
    expect(told(subscriptions, base)).toEqual(['a1'])
    subscriptions.remove('a', 1)
    subscriptions.remove('a', 1)
    expect(told(subscriptions, base)).toEqual([])
    expect([...subscriptions.all()]).toEqual([])
  })

  test('a subscription that comes again, after a change of leader, is not there twice', () => {
    const subscriptions = createSubscriptions()
    for (const pattern of ['users/*', '**']) subscribe(subscriptions, 'a', 1, pattern)
    expect(told(subscriptions, base)).toEqual(['a1'])
  })

  test('the replica is told what anybody listens to, as it comes and goes', () => {
    const subscriptions = createSubscriptions()
    const { interest } = subscriptions
    expect(interest.below('users')).toBe(false)
    subscribe(subscriptions, 'a', 1, 'users/*/name')
    expect(interest.below('users')).toBe(true)
    expect(interest.at('users/ann/name', { node: false })).toBe(true)
    expect(interest.at('users/ann', { node: true })).toBe(false)
    subscriptions.dropTab('a')
    expect(interest.below('users')).toBe(false)
  })
})
