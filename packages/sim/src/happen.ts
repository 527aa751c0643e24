import { tallyOf } from './checks/final-checks.js'
import { awaitSynced } from './checks/synced-check.js'
import { LOCK } from './client/app.js'
import type { Fault, Happening, Work } from './schedule.js'
import type { Scene, Site } from './site.js'

/** Where things happen. */
export interface Stage extends Scene {
  readonly sites: readonly Site[]
  /** Somebody without a replica writes. */
  remote(op: Extract<Work, { do: 'remote' }>): void
}

/** Makes it happen. */
export function happen(stage: Stage, what: Happening): void {
  const site = 'client' in what ? stage.sites[what.client] : undefined
  if (site) happenAt(stage, site, what)
  else happenToServer(stage, what)
}

function happenAt(stage: Stage, site: Site, what: Happening): void {
  const { app, machine, access } = site
  switch (what.do) {
    case 'write':
      app.write(what)
      return
    case 'batch':
      app.batch(what.ops, what.separate)
      return
    case 'burst':
      for (let i = 0; i < what.count; i += 1)
        app.write({ op: 'increment', path: tallyOf(what.client), value: 1 })
      return
    case 'retry':
    case 'drop':
      app[what.do](what.nth)
      return
    case 'lease':
      app.lease(LOCK, what.ms)
      return
    case 'release':
      app.release(LOCK)
      return
    case 'synced':
      awaitSynced(stage, site)
      return
    case 'cut':
      access.link?.cut(what.up, what.down)
      return
    case 'silence':
      access.link?.silence(what.direction)
      return
    case 'mangle':
      access.link?.mangle(what.how, what.skip)
      return
    case 'kill':
      if (what.statements === 0) machine.kill(what.ms)
      else machine.disk.failAfter(what.statements, 'crash')
      return
    case 'clientDisk':
      machine.disk.failAfter(what.statements, 'error')
      return
    case 'rot':
      site.rot(what.nth)
      return
    case 'probe':
    case 'reconnect':
      machine.process?.client[what.do]()
      return
    default:
      forAWhile(stage, site, what)
      return
  }
}

/** What ends by itself. */
function forAWhile({ time }: Stage, site: Site, what: Happening): void {
  const { machine, access } = site
  switch (what.do) {
    case 'unreachable':
      access.unreachable = true
      time.after(what.ms, () => {
        access.unreachable = false
      })
      return
    case 'slow':
      access.slow = true
      time.after(what.ms, () => {
        access.slow = false
      })
      return
    case 'offline':
      site.setOnline(false)
      time.after(what.ms, () => site.setOnline(true))
      return
    case 'pause':
      machine.process?.client.pause()
      time.after(what.ms, () => machine.process?.client.resume())
      return
    case 'revoke':
      site.revoke()
      time.after(what.ms, site.signIn)
  }
}

function happenToServer(stage: Stage, what: Happening): void {
  const { server } = stage
  switch (what.do) {
    case 'remote':
      stage.remote(what)
      return
    case 'rollback':
      server.rollback(what.path, what.back)
      return
    case 'serverDisk':
      server.disk.failWrites(what.times)
      return
    case 'serverRead':
      server.disk.failReads(what.times)
      return
    case 'serverCrash':
      crashServer(stage, what)
      return
    case 'limit':
      server.refusals.limit(what.skip, what.times, what.ms)
      return
    case 'compact':
      server.compact()
      return
    case 'backup':
      server.backup()
      return
    case 'restore':
      server.restore(what.ms)
  }
}

function crashServer({ server }: Stage, { point, count, ms }: Extract<Fault, { do: 'serverCrash' }>): void {
  if (count === 0) server.crash(ms)
  else server.crashAt(point, count, ms)
}
