import { createRandom, type Random } from './random.js'

/** How the leading tab, or just its worker, is lost. */
export type LeaderFault =
  | 'closed'
  | 'navigated'
  | 'reloaded'
  | 'crashed'
  | 'worker ended'
  | 'worker hung'
  | 'frozen'

/** One thing that goes wrong. */
export type Fault =
  | { readonly kind: 'leader'; readonly how: LeaderFault; readonly forMs: number }
  | { readonly kind: 'follower closed' }
  /** SIGKILL of the process of some page, whichever the dice say. */
  | { readonly kind: 'renderer'; readonly which: number }
  /** SIGKILL of all the browser's processes. `cutOff`: nothing reaches the server from a while before until after. */
  | { readonly kind: 'browser'; readonly cutOff: boolean; readonly aloneMs: number }
  /** SIGKILL of the server's process, and a start on the same data. */
  | { readonly kind: 'server'; readonly downMs: number }
  | { readonly kind: 'network'; readonly how: 'cut' | 'refused' | 'silent'; readonly forMs: number }

/** What happens together, after writes have gone on for a while. */
export interface Round {
  readonly afterMs: number
  readonly faults: readonly Fault[]
  /** Whether the browser says afterwards that it is online; else its reconnection comes when its back-off says. */
  readonly online: boolean
}

export type PhaseKind = 'leaders' | 'browsers' | 'servers' | 'mixes'

export interface Phase {
  /** Names it on the command line. */
  readonly id: string
  readonly kind: PhaseKind
  readonly rounds: number
  /** How many tabs write. */
  readonly tabs: number
}

/** Leaders are killed outright most of the time: those that only hang keep everybody waiting for seconds. */
const LEADER_FAULTS: readonly LeaderFault[] = [
  ...(['closed', 'navigated', 'reloaded', 'crashed', 'worker ended'] as const).flatMap((how) => [
    how,
    how,
    how,
  ]),
  'worker hung',
  'frozen',
]

/** The same phase and seed give the same rounds. */
export function scheduleOf(phase: Phase, seed: number): readonly Round[] {
  const random = createRandom(seed, ...Buffer.from(phase.id))
  return Array.from({ length: phase.rounds }, () => ({
    afterMs: random.int(...PAUSES[phase.kind]),
    faults: FAULTS[phase.kind](random),
    online: random.chance(0.8),
  }))
}

/** How long the writers write before the next fault, ms: so that it strikes young tabs and busy ones. */
const PAUSES: { readonly [kind in PhaseKind]: readonly [from: number, to: number] } = {
  leaders: [20, 250],
  browsers: [100, 700],
  servers: [100, 600],
  mixes: [20, 500],
}

const FAULTS: { readonly [kind in PhaseKind]: (random: Random) => readonly Fault[] } = {
  leaders: (random) => [leader(random)],
  browsers: (random) => [browser(random)],
  servers: (random) => [server(random)],
  mixes: mix,
}

function leader(random: Random): Fault {
  return { kind: 'leader', how: random.pick(LEADER_FAULTS), forMs: random.int(4_000, 6_000) }
}

function browser(random: Random): Fault {
  return { kind: 'browser', cutOff: random.chance(0.5), aloneMs: random.int(50, 400) }
}

function server(random: Random): Fault {
  return { kind: 'server', downMs: random.chance(0.5) ? 0 : random.int(50, 1_000) }
}

function network(random: Random): Fault {
  return {
    kind: 'network',
    how: random.pick(['cut', 'refused', 'silent']),
    forMs: random.int(50, 1_500),
  }
}

/** One to three things, of which at most one is about the browser. */
function mix(random: Random): readonly Fault[] {
  const inBrowser = random.pick<() => Fault | undefined>([
    () => leader(random),
    () => leader(random),
    () => ({ kind: 'follower closed' }),
    () => ({ kind: 'renderer', which: random.int(0, 99) }),
    () => browser(random),
    () => undefined,
  ])()
  const outside = [
    ...(random.chance(0.3) ? [server(random)] : []),
    ...(random.chance(0.4) ? [network(random)] : []),
  ]
  const faults = [...(inBrowser ? [inBrowser] : []), ...outside]
  return faults.length > 0 ? faults : [leader(random)]
}

/** In a few words, for those who read what happened. */
export function tellFault(fault: Fault): string {
  switch (fault.kind) {
    case 'leader':
      return `leader ${fault.how}`
    case 'renderer':
      return 'renderer killed'
    case 'browser':
      return fault.cutOff ? 'browser killed, cut off' : 'browser killed'
    case 'server':
      return `server killed, down ${fault.downMs} ms`
    case 'network':
      return `network ${fault.how} for ${fault.forMs} ms`
    default:
      return fault.kind
  }
}
