import type { Strike } from './faults.js'
import type { Call, Ledger } from './ledger.js'
import type { Played } from './play.js'
import type { Phase, PhaseKind } from './schedule.js'
import type { World } from './world.js'

/** What a phase says of itself, as JSON; scripts/chaos adds them up. */
export interface PhaseResult {
  readonly id: string
  readonly kind: PhaseKind
  readonly seed: number
  readonly rounds: number
  readonly seconds: number
  readonly browser: string
  /** What struck, and how often. */
  readonly faults: { readonly [fault: string]: number }
  readonly writers: number
  readonly acknowledged: number
  readonly committed: number
  readonly logged: number
  /** Of every call that was open when a leader died, or made while it did: how long it took, ms. */
  readonly callsAtDeath: readonly number[]
  /** The slowest such call of each death, ms. */
  readonly slowestAtDeath: readonly number[]
  /** The same, where the leader hung or was frozen. */
  readonly slowestAtHang: readonly number[]
  readonly violations: readonly string[]
}

export function resultOf(
  phase: Phase,
  seed: number,
  { profile, ledger }: World,
  { strikes, logged }: Played,
  seconds: number,
): PhaseResult {
  const faults: Record<string, number> = {}
  for (const { fault } of strikes) {
    const name = fault.kind === 'leader' ? `leader ${fault.how}` : fault.kind
    faults[name] = (faults[name] ?? 0) + 1
  }
  const sum = (count: (ledger: Ledger) => Iterable<number>) => [...count(ledger)].reduce((a, b) => a + b, 0)
  const writers = [...ledger.writers.values()]
  const deaths = strikes.filter(isDeath).map((strike) => callsAt(strike, ledger.calls))
  const hangs = strikes.filter(isHang).map((strike) => callsAt(strike, ledger.calls))
  return {
    id: phase.id,
    kind: phase.kind,
    seed,
    rounds: phase.rounds,
    seconds,
    browser: profile.context.browser()?.version() ?? 'unknown',
    faults,
    writers: writers.length,
    acknowledged: sum(() => writers.map(({ acked }) => acked.size)),
    committed: sum(() => writers.map(({ committed }) => committed.size)),
    logged,
    callsAtDeath: deaths.flat(),
    slowestAtDeath: deaths.flatMap((took) => (took.length > 0 ? [Math.max(...took)] : [])),
    slowestAtHang: hangs.flatMap((took) => (took.length > 0 ? [Math.max(...took)] : [])),
    violations: ledger.violations,
  }
}

const HANGS: readonly string[] = ['worker hung', 'frozen']

const isHang = ({ fault }: Strike): boolean => fault.kind === 'leader' && HANGS.includes(fault.how)

const isDeath = ({ fault }: Strike): boolean => fault.kind === 'leader' && !HANGS.includes(fault.how)

function callsAt(strike: Strike, calls: readonly Call[]): number[] {
  return calls
    .filter(({ from, to }) => from <= strike.to && to >= strike.from)
    .map(({ from, to }) => to - from)
}
