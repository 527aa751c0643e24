import { checkEnd } from './checks/final-checks.js'
import { createLogChecks } from './checks/log-checks.js'
import { quietly } from './client/client-machine.js'
import { happen, type Stage } from './happen.js'
import { createHistory, type History } from './history.js'
import { comeToRest, heal } from './rest.js'
import type { Schedule, Step } from './schedule.js'
import { createServerMachine } from './server/server-machine.js'
import { createSite, type Scene, type Site } from './site.js'
import { createSimTime, settlePromises } from './time.js'
import type { Trace } from './trace.js'
import { createFindings, Violation } from './violation.js'

/** More than any run of sane software needs. */
const MOST_TIMERS = 150_000
/** What is still under way, late or twice, when everything seems to be at rest. */
const AFTERMATH_MS = 2_000

/** Everything there is in one run. */
export interface World {
  /** Lets the time pass until `step` is due, performs it, and checks what must always hold. @throws Violation */
  perform(step: Step): Promise<void>
  /** Ends all faults, waits until nothing moves any more, and checks what must hold then. @throws Violation */
  finish(): Promise<void>
  /** Timers that have run. */
  readonly timers: number
  readonly history: History
  close(): void
}

export function createWorld({ seed, conditions, steps }: Schedule, trace?: Trace): World {
  const time = createSimTime()
  const start = time.now
  const stamped: Trace | undefined = trace && ((line) => trace(`${stamp(time.now - start)} ${line}`))
  const findings = createFindings()
  const sites: Site[] = []
  const fenceOf = (opId: string) => sites.map(({ machine }) => machine.issued.get(opId)).find(Boolean)?.fence
  const history = createHistory(createLogChecks(findings, (opId) => fenceOf(opId) ?? null))
  const server = createServerMachine({ time, history, page: conditions.page, trace: stamped })
  let timers = 0
  let remoteOps = 0

  const scene: Scene = {
    seed,
    conditions,
    time,
    server,
    history,
    findings,
    trace: stamped,
    mayDiffer: steps.some((step) => step.do === 'restore' || step.do === 'rot'),
  }
  const stage: Stage = {
    ...scene,
    sites,
    remote({ op, path, value }) {
      remoteOps += 1
      server.remote({ op, path, value, opId: `r-${remoteOps}` })
    },
  }
  conditions.clients.forEach((_, index) => {
    sites.push(createSite(scene, index))
  })

  const check = (): void => {
    findings.raise()
    for (const site of sites) site.check()
  }

  const runNext = (end: number): boolean => {
    let ran = true
    quietly(() => {
      ran = time.runNext(end)
    })
    if (ran) timers += 1
    if (timers > MOST_TIMERS)
      throw new Violation('rest', 'Something goes on and on: too many timers have run.')
    return ran
  }

  const advance = async (ms: number): Promise<void> => {
    const end = time.now + ms
    while (runNext(end)) {
      await settlePromises()
      check()
    }
    time.moveTo(end)
  }

  const rest = (): Promise<void> =>
    comeToRest(stage, {
      advance,
      mayMiss: steps.some((step) => step.do === 'mangle' && step.how === 'lose'),
    })

  return {
    history,
    get timers() {
      return timers
    },
    async perform(step) {
      await advance(step.after)
      stamped?.(`*       ${describeHappening(step)}`)
      quietly(() => happen(stage, step))
      await settlePromises()
      check()
    },
    async finish() {
      stamped?.('*       all faults end')
      quietly(() => heal(stage))
      await settlePromises()
      await rest()
      await advance(AFTERMATH_MS)
      await rest()
      check()
      const serverMayFail = steps.some((step) => step.do.startsWith('server'))
      checkEnd(
        sites.map(({ machine }) => machine),
        server,
        history,
        { serverMayFail },
      )
    },
    close() {
      for (const { machine } of sites) machine.close()
      server.close()
    },
  }
}

export function describeHappening({ after: _, ...happening }: Step): string {
  const { do: what, ...rest } = happening
  return `${what} ${JSON.stringify(rest)}`
}

function stamp(ms: number): string {
  return `${(ms / 1_000).toFixed(3).padStart(9)}s`
}
