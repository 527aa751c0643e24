import { expect, test } from 'vitest'
import { instanceKey } from './instance-key.js'

const key = (url: string, user?: string): string => instanceKey('app', url, user)

test('another server or another user is another instance', () => {
  const keys = [
    key('wss://a.example/ws/sync'),
    key('wss://b.example/ws/sync'),
    key('ws://a.example/ws/sync'),
    key('wss://a.example:4000/ws/sync'),
    key('wss://a.example/other'),
    key('wss://a.example/ws/sync?tenant=1'),
    key('wss://a.example/ws/sync', 'ann'),
    key('wss://a.example/ws/sync', 'bob'),
    instanceKey('other', 'wss://a.example/ws/sync', undefined),
  ]
  expect(new Set(keys).size).toBe(keys.length)
})

test('one address is one instance however it is written', () => {
  expect(key('wss://A.example:443/ws/sync/')).toBe(key('wss://a.example/ws/sync'))
})

test('what is in memory by choice is an instance of its own, wherever the others keep theirs', () => {
  const url = 'wss://a.example/ws/sync'
  const [auto, memory] = [instanceKey('app', url, 'ann'), instanceKey('app', url, 'ann', 'memory')]
  expect(memory).not.toBe(auto)
  expect(memory).toMatch(/^[A-Za-z0-9_-]+$/)
  for (const mode of ['auto', 'require-persistent', 'indexeddb'] as const)
    expect(instanceKey('app', url, 'ann', mode)).toBe(auto)
})

test('it can be part of the name of a file, a lock and a channel', () => {
  expect(key('wss://a.example/ws/sync', 'Ünïcødé / \\ :')).toMatch(/^[A-Za-z0-9_-]+$/)
})
