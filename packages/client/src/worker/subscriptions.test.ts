import type { DustEvent } from '@dustlayer/replica'
import { describe, expect, test } from 'vitest'
import type { SubscriptionMode } from '../tab/tab-protocol.js'
import { createSubscriptions, wants } from './subscriptions.js'

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

describe('J03 modes (spec/semantics.md §9.3)', () => {
  const table: readonly (readonly [SubscriptionMode, (keyof typeof situations)[]])[] = [
    ['all', ['optimistic', 'committed, foreign', 'rejection']],
    ['committed', ['committed, own', 'committed, foreign']],
    ['optimistic', ['optimistic', 'rejection']],
  ]
  test.each(table)('%s', (mode, wanted) => {
    const told = Object.entries(situations).filter(([, event]) => wants(mode, event))
    expect(told.map(([name]) => name)).toEqual(wanted)
  })
})

describe('routing', () => {
  const at = (path: string): DustEvent => ({ ...base, path })

  test('J01 J02 an event goes to the subscriptions that match the path of its op, by tab', () => {
    const subscriptions = createSubscriptions()
    const subscribe = (tab: string, id: number, pattern: string) =>
      subscriptions.add(tab, { id, store: 'acme/app', pattern, mode: 'all' })
    subscribe('a', 1, 'users/*')
    subscribe('a', 2, '**')
    subscribe('b', 1, 'users/*/name')
    subscribe('b', 2, 'users/ann')
    expect(subscriptions.route(at('users/ann'))).toEqual(
      new Map([
        ['a', [1, 2]],
        ['b', [2]],
      ]),
    )
    subscriptions.remove('a', 2)
    subscriptions.dropTab('b')
    expect(subscriptions.route(at('users/ann'))).toEqual(new Map([['a', [1]]]))
    subscriptions.remove('a', 1)
    subscriptions.remove('a', 1)
    expect(subscriptions.route(at('users/ann'))).toEqual(new Map())
  })

  test('a subscription that comes again, after a change of leader, is not there twice', () => {
    const subscriptions = createSubscriptions()
    for (const pattern of ['users/*', '**']) {
      subscriptions.add('a', { id: 1, store: 'acme/app', pattern, mode: 'all' })
    }
    expect(subscriptions.route(at('users/ann'))).toEqual(new Map([['a', [1]]]))
  })
})
