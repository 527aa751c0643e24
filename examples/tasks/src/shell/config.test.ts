import { expect, test } from 'vitest'
import { parseConfig } from './config.js'

test('a config has url, token and store', () => {
  const config = { url: 'ws://127.0.0.1:1/ws/sync', token: 'dust_tok_x', store: 'dev/tasks' }
  expect(parseConfig({ ...config, more: 1 })).toEqual(config)
})

test.each([null, 'text', {}, { url: 'ws://x', token: 1, store: 'a/b' }])('%j is no config', (json) => {
  expect(parseConfig(json)).toBeUndefined()
})
