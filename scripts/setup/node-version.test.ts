import { expect, test } from 'vitest'
import { requireNodeVersion } from './node-version.js'

test.each(['20.19.0', '20.20.2', '22.0.0', '24.1.0'])('Node %s will do', (version) => {
  expect(() => requireNodeVersion(version, '>=20.19')).not.toThrow()
})

test.each(['20.18.9', '18.20.0', '8.0.0'])('Node %s is refused with what to do', (version) => {
  expect(() => requireNodeVersion(version, '>=20.19')).toThrow(
    `Dust needs Node 20.19 or newer, and this is Node ${version}: install a newer Node and run the command again.`,
  )
})
