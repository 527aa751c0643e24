import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkDocs } from './check.js'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dust-docs-'))
  mkdirSync(join(root, 'docs/decisions'), { recursive: true })
  writeFileSync(join(root, 'docs/here.md'), '')
})
afterEach(() => rmSync(root, { recursive: true }))

test('links and names that lead somewhere are fine, and so are addresses, wildcards and code', () => {
  writeFileSync(
    join(root, 'README.md'),
    '[a](docs/here.md#part) [b](https://example.org/x) `docs/here.md` `docs/decisions` `e2e/*.spec.ts`\n```\n[c](nowhere)\n```\n',
  )
  expect(checkDocs(root)).toEqual([])
})

test('what leads nowhere is named with its document', () => {
  writeFileSync(join(root, 'docs/decisions/0001-a.md'), '[a](../there.md) `packages/gone/a.ts`\n')
  expect(checkDocs(root)).toEqual([
    'docs/decisions/0001-a.md links to ../there.md, which is not there',
    'docs/decisions/0001-a.md names packages/gone/a.ts, which is not there',
  ])
})
