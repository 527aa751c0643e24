import { expect, test } from 'vitest'
import { missingPackages } from './engines.js'

const namesWith = (...paths: string[]) =>
  missingPackages((path) => paths.includes(String(path))).map(({ name }) => name)

test('a machine with nothing lacks all packages', () => {
  expect(namesWith()).toEqual(['firefox-esr', 'webkit2gtk-driver', 'xvfb'])
})

test('a Firefox of another origin will do', () => {
  expect(namesWith('/usr/bin/firefox', '/usr/bin/WebKitWebDriver')).toEqual(['xvfb'])
})
