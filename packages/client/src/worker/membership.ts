import { UnavailableError } from '@dustlayer/protocol'
import { compareBuilds } from '../tab/build.js'
import { NOTHING_REGISTERED } from '../tab/registry.js'
import type { LeaderPort, TabLink } from '../tab/tab-link.js'
import type { Announcement, Build, InstanceNames, ToLeader, ToTab } from '../tab/tab-protocol.js'
import { createVigil, LOOK_MS } from '../tab/vigil.js'
import { createDeposing } from './deposing.js'
import { createLeadership } from './leadership.js'
import { beginReign } from './reign.js'
import type { TabEnvironment } from './tab.js'

/** A tab's part in its instance, while it has one. */
export interface Membership {
  /** Gives everything back that other tabs need. */
  leave(): Promise<void>
}

export interface MembershipOptions {
  readonly env: TabEnvironment
  readonly names: InstanceNames
  readonly id: string
  readonly link: TabLink
  /** A tab of a newer build leads, or will: this one has no part any more. */
  onNewer(newer: Build): void
  /** The instance's data is about to be removed. */
  onDestroyed(): void
}

/** How long calls wait while no leader can serve them. */
const UNSERVED_MS = 30_000

/** Says hello, follows whoever leads, watches over it, and stands for leadership. */
export function enterInstance(options: MembershipOptions): Membership {
  const { env, names, id, link, onNewer, onDestroyed } = options
  const { build, locks, openChannel, clock } = env
  const gone = new AbortController()
  let newer: Build | undefined
  let lastEpoch = 0
  let ownEpoch: number | undefined
  let unserved = 0

  const follow = (leader: string, epoch: number, port: LeaderPort): void => {
    lastEpoch = Math.max(lastEpoch, epoch)
    const later = link.follow(leader, epoch, port)
    if (later !== undefined) port({ ...build, from: id, to: leader, kind: 'late', epoch: later })
    else vigil.heard()
    if (ownEpoch !== undefined && epoch > ownEpoch) leadership.makeWay()
  }

  const late = (epoch: number): void => {
    lastEpoch = Math.max(lastEpoch, epoch)
    leadership.makeWay()
  }

  /** Older tabs let go of the database before a newer one changes it. */
  const makeWayFor = (build: Build, leads: boolean): void => {
    newer = build
    if (leads || ownEpoch !== undefined) onNewer(build)
    else void leadership.stepDown()
  }

  const onLook = (): void => {
    unserved = link.unserved ? unserved + LOOK_MS : 0
    if (unserved < UNSERVED_MS) return
    unserved = 0
    link.giveUp(noLeader())
  }

  const cannotLead = (error: unknown): void => {
    link.fail(error)
    env.onProblem(error)
  }

  /** The browser has removed the data of the site while this tab led. */
  let evicted = false

  const leadership = createLeadership({
    locks,
    lock: names.lock,
    clock,
    onFailure: cannotLead,
    async lead(until) {
      const epoch = Math.max(lastEpoch + 1, clock.now())
      lastEpoch = epoch
      ownEpoch = epoch
      const over = (): void => {
        ownEpoch = undefined
      }
      try {
        const reign = await beginReign({
          env,
          names,
          tab: id,
          link,
          epoch,
          until,
          onNewer: (build) => makeWayFor(build, false),
          onLate: late,
          onFault({ kind, error }) {
            evicted = kind === 'evicted'
            env.onProblem(error)
            leadership.beginAnew()
          },
        })
        if (evicted) reign.restartTabs()
        evicted = false
        return { close: () => reign.close().finally(over) }
      } catch (error) {
        over()
        throw error
      }
    },
  })

  const deposing = createDeposing({
    locks,
    lock: names.deposing,
    clock,
    isSilent: () => vigil.silent,
    seize: leadership.seize,
  })
  const vigil = createVigil({
    clock,
    onLook,
    onQuiet: link.ping,
    onSilent() {
      if (newer) onNewer(newer)
      else if (leadership.standing) deposing.attempt()
    },
  })

  const toLeader = openChannel(names.toLeader, () => undefined)
  // Posted by this library; the build is looked at before the rest of the shape is relied on.
  const announcements = openChannel(names.announcements, (message) => {
    const announcement = message as Announcement
    const { kind } = announcement
    const age = compareBuilds(announcement, build)
    if (age === 'newer') makeWayFor(announcement, kind === 'leader')
    else if (kind === 'destroy') onDestroyed()
    else if (kind === 'leader' && age === 'older') arrive()
    else if (kind === 'leader') follow(announcement.leader, announcement.epoch, toLeader.post)
  })
  const inbox = openChannel(names.toTab(id), (message) => {
    const fromLeader = message as ToTab
    const age = compareBuilds(fromLeader, build)
    if (age === 'newer') onNewer(fromLeader)
    if (age !== 'same') return
    follow(fromLeader.leader, fromLeader.epoch, toLeader.post)
    link.receive(fromLeader)
  })

  const arrive = (): void => announcements.post({ ...build, kind: 'arrival' } satisfies Announcement)

  const sayHello = (): void => {
    if (gone.signal.aborted) return
    arrive()
    const nobody = { ...build, from: id, to: null, ...NOTHING_REGISTERED }
    toLeader.post({ ...nobody, kind: 'hello', paused: link.paused } satisfies ToLeader)
  }

  const presence = locks.acquire(names.tabLock + id, gone.signal)
  // Rejected: left before it was granted.
  presence.then(sayHello, () => undefined)
  const ready = Promise.all([env.epochs.last, env.canLead]).then(([epoch]) => {
    lastEpoch = Math.max(lastEpoch, epoch)
    if (!gone.signal.aborted && !newer) leadership.stand()
  })
  ready.catch(cannotLead)

  return {
    async leave() {
      gone.abort()
      vigil.stop()
      deposing.stop()
      await leadership.stepDown()
      for (const channel of [toLeader, announcements, inbox]) channel.close()
      // The leader forgets this tab now; the next hello, to the same leader perhaps, tells it everything again.
      link.unfollow(toLeader.post)
      const held = await presence.catch(() => undefined)
      held?.release()
    },
  }
}

function noLeader(): UnavailableError {
  return new UnavailableError(
    `No tab could serve the call within ${UNSERVED_MS / 1_000} s. If another tab of this site does not respond, close it.`,
  )
}
