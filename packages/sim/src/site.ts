import { createEventChecks, type EventChecks } from './checks/event-checks.js'
import { checkOps } from './checks/op-checks.js'
import { checkConfirmed, checkVisible } from './checks/replica-checks.js'
import { type App, createApp } from './client/app.js'
import { type ClientMachine, createClientMachine, quietly } from './client/client-machine.js'
import type { ClientProcess } from './client/client-process.js'
import type { History, Timeline } from './history.js'
import { type Access, createAccess } from './network.js'
import { createRandom } from './random.js'
import type { Conditions } from './schedule.js'
import type { ServerMachine } from './server/server-machine.js'
import type { SimTime } from './time.js'
import type { Trace } from './trace.js'
import type { Findings } from './violation.js'

/** A device with its app, its user and its way to the server. */
export interface Site {
  readonly machine: ClientMachine
  readonly app: App
  readonly access: Access
  setOnline(online: boolean): void
  /** The token is not valid any more. */
  revoke(): void
  /** The user signs in anew, if the token was revoked. */
  signIn(): void
  /** The process dies, and the nth row of what is confirmed changes on the disk. */
  rot(nth: number): void
  /** Whether such a row is still there. */
  readonly rotten: boolean
  /** What must hold at any time, if anything has been written since the last look. @throws Violation */
  check(): void
}

/** What all sites share. */
export interface Scene {
  readonly seed: number
  readonly conditions: Conditions
  readonly time: SimTime
  readonly server: ServerMachine
  readonly history: History
  readonly findings: Findings
  /** Whether something in the schedule makes copies differ from the server's. */
  readonly mayDiffer: boolean
  readonly trace: Trace | undefined
}

export function createSite(scene: Scene, index: number): Site {
  const { seed, conditions, time, server, history, findings, trace } = scene
  const access = createAccess({ time, server, conditions, seed, client: index, trace })
  const events: EventChecks = createEventChecks(index)
  const onlineListeners = new Set<() => void>()
  let token = server.newToken()
  let revoked = false
  let online = true
  /** The history that the confirmed state belongs to. */
  let timeline: Timeline | undefined
  let rotten = false
  let checked = -1

  const machine = createClientMachine({
    index,
    time,
    findings,
    trace,
    format: conditions.clients[index] ?? 'json',
    random: createRandom(seed, index),
    transport: access.transport,
    token: () => token.token,
    online: () => online,
    onOnline(listener) {
      onlineListeners.add(listener)
      return () => onlineListeners.delete(listener)
    },
    died: () => access.link?.abandon(),
    forgetful: () => history.forked,
    opened: (replica, disk) => disk.calmly(() => events.opened(replica)),
    problem({ code, message }) {
      if (!code.startsWith('resync') || scene.mayDiffer) return
      findings.add('resync', `Client ${index} had to build its copy anew without a cause: ${message}`)
    },
  })

  const checkCopy = (process: ClientProcess): void => {
    try {
      timeline = checkConfirmed(machine, process, history, timeline)
      rotten = false
    } catch (error) {
      if (!rotten) throw error
    }
  }

  return {
    machine,
    app: createApp(machine, trace),
    access,
    setOnline(next) {
      online = next
      for (const listener of [...onlineListeners]) quietly(listener)
    },
    revoke() {
      revoked = true
      server.revoke(token.id)
    },
    signIn() {
      if (!revoked) return
      revoked = false
      token = server.newToken()
      machine.process?.client.reconnect()
    },
    rot(nth) {
      machine.kill()
      const { raw } = machine.disk
      const paths = raw.all('select path from entries order by path')
      const path = paths[nth % Math.max(1, paths.length)]?.[0]
      if (path === undefined) return
      rotten = true
      trace?.(`c${index}      ${path} rots on the disk`)
      raw.run('update entries set value = ? where path = ?', ['"rotten"', path])
    },
    get rotten() {
      return rotten
    },
    check() {
      const { process, disk } = machine
      if (!process || disk.commits === checked) return
      checked = disk.commits
      disk.calmly(() => {
        checkCopy(process)
        checkVisible(machine, process)
        events.check(process.replica)
        if (timeline) checkOps(machine, process, timeline)
      })
    },
  }
}
