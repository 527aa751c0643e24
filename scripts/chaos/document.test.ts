import { describe, expect, it } from 'vitest'
import { type PhaseResult, reliabilityPage } from './document.js'

const phase = (id: string, rest: Partial<PhaseResult> = {}): PhaseResult => ({
  id,
  kind: 'mixes',
  seed: 7,
  rounds: 10,
  seconds: 60,
  browser: '150.0',
  faults: { browser: 3, server: 1 },
  writers: 4,
  acknowledged: 100,
  committed: 90,
  logged: 110,
  callsAtDeath: [],
  slowestAtDeath: [],
  slowestAtHang: [],
  violations: [],
  ...rest,
})
const setting = { seed: 7, date: '2026-01-02', machine: 'a machine', node: 'v20' }

describe('the page about reliability', () => {
  it('adds up phases and faults, and names the seed', () => {
    const page = reliabilityPage([phase('mixes-1'), phase('mixes-2', { faults: { browser: 2 } })], setting)
    expect(page).toContain('`pnpm chaos --seed 7`, 2026-01-02: nothing lost, nothing doubled')
    expect(page).toContain('| **all** | | 20 | 2.0 | 8 | 200 | 220 | 0 |')
    expect(page).toContain('| browser | 5 |')
    expect(page).toContain('| server | 1 |')
  })

  it('tells percentiles over all phases', () => {
    const times = Array.from({ length: 50 }, (_, index) => index + 1)
    const page = reliabilityPage(
      [phase('a', { callsAtDeath: times }), phase('b', { callsAtDeath: times.map((ms) => ms + 50) })],
      setting,
    )
    expect(page).toContain('| open or made while a leader died | 100 | 51 | 96 | 100 |')
  })

  it('does not hide what went wrong', () => {
    const page = reliabilityPage([phase('mixes-1', { violations: ['a write is gone'] })], setting)
    expect(page).toContain('1 violations')
    expect(page).toContain('- mixes-1: a write is gone')
  })
})
