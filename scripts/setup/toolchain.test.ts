import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findHeaders } from './toolchain.js'

let prefix = ''

beforeEach(() => {
  prefix = mkdtempSync(join(tmpdir(), 'dust-headers-'))
  mkdirSync(join(prefix, 'include/node'), { recursive: true })
  writeFileSync(join(prefix, 'include/node/node.h'), '')
})

afterEach(() => rmSync(prefix, { recursive: true }))

function writeVersion(major: number): void {
  const text = `#define NODE_MAJOR_VERSION ${major}\n#define NODE_MINOR_VERSION 1\n`
  writeFileSync(join(prefix, 'include/node/node_version.h'), text)
}

test('headers of the running Node beside it are found', () => {
  writeVersion(Number.parseInt(process.versions.node, 10))
  expect(findHeaders(join(prefix, 'bin/node'))).toBe(prefix)
})

test('headers of another Node are not used', () => {
  writeVersion(18)
  expect(findHeaders(join(prefix, 'bin/node'))).toBeUndefined()
})

test('no headers, no prefix', () => {
  expect(findHeaders(join(prefix, 'bin/node'))).toBeUndefined()
})
