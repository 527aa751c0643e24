import { readFileSync } from 'node:fs'
import { expect, test } from '@playwright/test'
import { titlesOf } from './engines/browsers-page.js'
import { scenarios } from './engines/scenarios/all.js'

test('docs/browsers.md has a row for each scenario, and no other (pnpm browsers writes it)', () => {
  const page = readFileSync(new URL('../docs/browsers.md', import.meta.url), 'utf8')
  expect(titlesOf(page)).toEqual(scenarios.map(({ title }) => title))
})
