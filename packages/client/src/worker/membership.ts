import { UnavailableError } from '@dustlayer/protocol'
import { LaterEpochError } from '../storage/later-epoch.js'
import { compareBuilds } from '../tab/build.js'
import type { InstanceNames } from '../tab/instance-names.js'
import type { HeldLock } from '../tab/locks.js'
import { NOTHING_REGISTERED } from '../tab/registry.js'
import type { LeaderPort, TabLink } from '../tab/tab-link.js'
import type { Announcement, Build, ToLeader, ToTab } from '../tab/tab-protocol.js'
import { createVigil } from '../tab/vigil.js'
import { createDeposing } from './deposing.js'
import { createLeadership } from './leadership.js'
import { beginReign } from './reign.js'
import type { TabEnvironment } from './tab.js'
import { createVisibility } from './visibility.js'

/** A tab's part in its instance, while it has one. */
export interface Membership {
  /** Gives everything back that other tabs need. */
  leave(): Promise<void>
  /** The same, but the instance's lock stays with the caller if this tab led: nobody leads until it is released. */
  leaveWithLock(): Promise<HeldLock | undefined>
  setHidden(hidden: boolean): void
}

export interface MembershipOptions {
  readonly env: TabEnvironment
  readonly names: InstanceNames
  readonly id: string
  readonly link: TabLink
  /** Whether nobody sees the page. */
  readonly hidden: boolean
  /** A tab of a newer build leads, or will: this one has no part any more. */
  onNewer(newer: Build): void
  /** The instance's data is about to be removed. */
  onDestroyed(): void
}

/** What has failed less often in a row may pass, and calls wait for it. */
const FAILURES = 3

/** A page that has just opened has better things to do. */
const REHEARSE_AFTER_MS = 2_000

/** Says hello, follows whoever leads, watches over it, and stands for leadership. */
export function enterInstance(options: MembershipOptions): Membership {
  const { env, names, id, link, onNewer, onDestroyed } = options
  const { build, locks, openChannel, clock } = env
  const gone = new AbortController()
  let newer: Build | undefined
  let lastEpoch = 0
  let ownEpoch: number | undefined
  let hasLed = false
  let admitted = false

  const follow = (leader: string, epoch: number, port: LeaderPort): void => {
    if (!admitted) return
    lastEpoch = Math.max(lastEpoch, epoch)
    const later = link.follow(leader, epoch, port)
    if (later !== undefined) port({ ...build, from: id, to: leader, kind: 'late', epoch: later })
    else {
      vigil.heard()
      cancelRehearsal ??= clock.setTimer(REHEARSE_AFTER_MS, rehearse)
    }
    if (ownEpoch !== undefined && epoch > ownEpoch) leadership.makeWay()
  }

  let cancelRehearsal: (() => void) | undefined
  const rehearse = (): void => {
    if (ownEpoch === undefined) void env.rehearse()
  }

  /** Nothing should be open here, but a leader has waited for long: only the end of a worker that has led is sure. */
  const endWorker = (): void =>
    env.onUnclosed(new UnavailableError('A leading tab has waited for them for long.'))

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

  const cannotLead = (error: unknown, inARow: number): void => {
    if (inARow >= FAILURES) link.fail(error)
    env.onProblem(error)
  }

  /** The browser has removed the data of the site while this tab led. */
  let evicted = false

  const leadership = createLeadership({
    locks,
    lock: names.lock,
    clock,
    prepare: env.prepareToLead,
    onFailure: cannotLead,
    onUnclosed: env.onUnclosed,
    async lead(until) {
      const epoch = Math.max(lastEpoch + 1, clock.now())
      lastEpoch = epoch
      ownEpoch = epoch
      const ledBefore = hasLed
      hasLed = true
      const over = (): void => {
        ownEpoch = undefined
      }
      try {
        const copy = evicted ? 'unmarked' : await lookForCopy()
        if (copy === 'removed') onDestroyed()
        // Nothing is opened, which would be made anew.
        until.throwIfAborted()
        const reign = await beginReign({
          env,
          names,
          tab: id,
          link,
          epoch,
          until,
          device: copy === 'unmarked' ? link.device : null,
          onNewer: (build) => makeWayFor(build, false),
          onLate: late,
          onRemoved: onDestroyed,
          onFilesHeld: () => ledBefore && endWorker(),
          onFault({ kind, error }) {
            evicted = kind === 'evicted'
            env.onProblem(error)
            // A full disk is for the writer to hear of; the storage is as good as before.
            leadership.beginAnew({ excused: kind === 'unwritten' })
          },
        })
        if (evicted) reign.restartTabs()
        evicted = false
        return { close: () => reign.close().finally(over) }
      } catch (error) {
        over()
        if (error instanceof LaterEpochError) lastEpoch = Math.max(lastEpoch, error.epoch)
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
    onLook: () => link.look(vigil.silent),
    onQuiet: link.ping,
    onSilent() {
      if (newer) onNewer(newer)
      else if (leadership.standing) deposing.attempt()
    },
  })

  const visibility = createVisibility({
    locks,
    prefix: names.visibleLock,
    tab: id,
    clock,
    leads: () => ownEpoch !== undefined,
    makeWay: leadership.makeWay,
  })
  visibility.set(options.hidden)

  const toLeader = openChannel(names.toLeader, () => undefined)
  // Posted by this library; the build is looked at before the rest of the shape is relied on.
  const announcements = openChannel(names.announcements, (message) => {
    const announcement = message as Announcement
    const { kind } = announcement
    const age = compareBuilds(announcement, build)
    if (age === 'newer') makeWayFor(announcement, kind === 'leader')
    else if (kind === 'destroy') onDestroyed()
    else if (kind === 'destroying') {
      vigil.heard()
      if (link.device !== null) onDestroyed()
    } else if (kind === 'release' && hasLed && ownEpoch === undefined) endWorker()
    else if (kind === 'leader' && age === 'older') arrive()
    else if (kind === 'leader') {
      follow(announcement.leader, announcement.epoch, toLeader.post)
      vigil.expect(announcement.busy)
    }
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
    const { persistent } = env
    toLeader.post({ ...nobody, kind: 'hello', paused: link.paused, persistent } satisfies ToLeader)
  }

  /** What has become of the copy that this tab has shown; `unmarked`: it may be there, and its id is not. */
  const lookForCopy = async (): Promise<'there' | 'unmarked' | 'removed'> => {
    if (link.device === null) return 'there'
    const kept = await env.findDevice()
    if (kept === undefined) return 'unmarked'
    return kept === link.device ? 'there' : 'removed'
  }

  const presence = locks.acquire(names.tabLock + id, gone.signal)

  /** Takes part only when the others can see that it lives, and with what is there. */
  const begin = async (): Promise<void> => {
    const [copy] = await Promise.all([lookForCopy(), presence])
    if (gone.signal.aborted) return
    if (copy === 'removed') {
      onDestroyed()
      return
    }
    admitted = true
    link.enter(id)
    sayHello()
    const epoch = await env.epochs.last
    lastEpoch = Math.max(lastEpoch, epoch)
    if (!gone.signal.aborted && !newer) leadership.stand()
  }
  begin().catch((error: unknown) => {
    // Else it has left before the lock was granted.
    if (!gone.signal.aborted) env.onProblem(error)
  })

  const leave = async <T>(giveBack: () => Promise<T>): Promise<T> => {
    gone.abort()
    vigil.stop()
    cancelRehearsal?.()
    visibility.stop()
    deposing.stop()
    const result = await giveBack()
    link.unfollow(toLeader.post)
    for (const channel of [toLeader, announcements, inbox]) channel.close()
    // The leader forgets this tab now; the next hello, to the same leader perhaps, tells it everything again.
    const held = await presence.catch(() => undefined)
    held?.release()
    return result
  }

  return {
    setHidden: visibility.set,
    leave: () => leave(leadership.stepDown),
    leaveWithLock: () => leave(leadership.abdicate),
  }
}
