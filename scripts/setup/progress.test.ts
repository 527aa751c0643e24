import { expect, test } from 'vitest'
import { createProgress } from './progress.js'

function record(verbose: boolean) {
  const lines: string[] = []
  const progress = createProgress({ verbose, write: (text) => lines.push(text) })
  return { progress, text: () => lines.join('').replace(/\d+\.\d s/g, 'N s') }
}

test('a step is one line with its seconds', async () => {
  const { progress, text } = record(false)
  expect(await progress.step('Install', async () => 42)).toBe(42)
  expect(text()).toBe('> Install ... N s\n')
})

test('a step that fails says so and passes the error on', async () => {
  const { progress, text } = record(false)
  await expect(progress.step('Install', () => Promise.reject(new Error('disk full')))).rejects.toThrow(
    'disk full',
  )
  expect(text()).toBe('> Install ... failed after N s\n')
})

test('with streamed output, title and time have lines of their own', async () => {
  const { progress, text } = record(true)
  await progress.step('Install', async () => undefined)
  expect(text()).toBe('> Install\n  Install: N s\n')
})
