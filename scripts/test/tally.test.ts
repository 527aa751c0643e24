import { expect, test } from 'vitest'
import { sumTallies, tallyPlaywright, tallyVitest, withExitCode } from './tally.js'

test('a test file that could not be loaded counts as one failure', () => {
  const report = {
    numPassedTests: 3,
    numFailedTests: 1,
    testResults: [
      { status: 'passed', assertionResults: [{}, {}] },
      { status: 'failed', assertionResults: [{}, {}] },
      { status: 'failed', assertionResults: [] },
    ],
  }
  expect(tallyVitest(report)).toEqual({ passed: 3, failed: 2 })
})

test('errors outside of any browser test count as failures', () => {
  const report = { stats: { expected: 4, flaky: 1, unexpected: 2 }, errors: [{ message: 'broken config' }] }
  expect(tallyPlaywright(report)).toEqual({ passed: 5, failed: 3 })
})

test('a runner that fails without a failing test is one failure', () => {
  expect(withExitCode({ passed: 5, failed: 0 }, 1)).toEqual({ passed: 5, failed: 1 })
  expect(withExitCode({ passed: 5, failed: 2 }, 1)).toEqual({ passed: 5, failed: 2 })
  expect(withExitCode({ passed: 5, failed: 0 }, 0)).toEqual({ passed: 5, failed: 0 })
})

test('tallies add up', () => {
  expect(
    sumTallies([
      { passed: 1, failed: 2 },
      { passed: 3, failed: 0 },
    ]),
  ).toEqual({ passed: 4, failed: 2 })
})
