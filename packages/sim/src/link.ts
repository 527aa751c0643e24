import type { LinkHandlers } from '@dustlayer/sync'
import type { Random } from './random.js'
import type { SimTime } from './time.js'

/** What a live message to the client is, as far as mishaps are concerned. */
export type Loose = (data: string | Uint8Array) => boolean

/** What the far end of a link does. */
export interface Far {
  receive(data: string | Uint8Array): void
  /** The link is gone. */
  gone(): void
}

export interface LinkOptions {
  readonly time: SimTime
  readonly random: Random
  readonly latency: { readonly min: number; readonly max: number }
  readonly near: LinkHandlers
  /** Messages that may get lost, come twice or late without breaking what a transport promises. */
  readonly loose: Loose
}

/** One connection between a client and the server: two ordered streams of messages, which can break in any place. */
export interface SimLink {
  readonly open: boolean
  /** The server has answered the handshake; `far` gets what the client sends. */
  accept(far: Far): void
  /** The handshake failed. */
  refuse(): void
  /** What the client sends. */
  sendUp(data: string | Uint8Array): void
  /** What the server sends. */
  sendDown(data: string | Uint8Array): void
  /** The client ends it. */
  closeNear(): void
  /** The server ends it, after everything it has sent. */
  closeFar(code: number, reason: string): void
  /** It breaks; the next `up` and `down` messages on their way still arrive. */
  cut(up: number, down: number): void
  silence(direction: 'up' | 'down' | 'both'): void
  /** The client's process is gone: nobody listens there any more, but what it sent is on its way. */
  abandon(): void
  mangle(how: 'lose' | 'repeat' | 'delay', skip: number): void
}

const NO_CLOSE_FRAME = 1006
const LATE_MS = 150

/** Messages on their way, each of which arrives after the one before it. */
interface Lane {
  send(deliver: () => void, extraMs?: number): void
  /** Delivers the next ones now and forgets the rest. */
  end(delivered: number): void
}

function createLane({ time, random, latency }: LinkOptions): Lane {
  const underway = new Map<() => void, () => void>()
  let last = 0
  return {
    send(deliver, extraMs) {
      let at = time.now + random.int(latency.min, latency.max)
      // A late one lets others pass.
      if (extraMs !== undefined) at += extraMs
      else {
        at = Math.max(at, last)
        last = at
      }
      const arrive = (): void => {
        underway.delete(arrive)
        deliver()
      }
      underway.set(arrive, time.after(at - time.now, arrive))
    },
    end(delivered) {
      const messages = [...underway]
      for (const [, cancel] of messages) cancel()
      underway.clear()
      for (const [arrive] of messages.slice(0, delivered)) arrive()
    },
  }
}

export function createLink(options: LinkOptions): SimLink {
  const { near, loose } = options
  const up = createLane(options)
  const down = createLane(options)
  let stage: 'dialling' | 'open' | 'closed' = 'dialling'
  let far: Far | undefined
  let silentUp = false
  let silentDown = false
  let listening = true
  let mishaps: { how: 'lose' | 'repeat' | 'delay'; skip: number }[] = []

  const toNear = (run: () => void): void => {
    if (listening && !silentDown) run()
  }

  const leaveFar = (): void => {
    const peer = far
    far = undefined
    peer?.gone()
  }

  const nextMishap = (data: string | Uint8Array): 'lose' | 'repeat' | 'delay' | undefined => {
    if (mishaps.length === 0 || !loose(data)) return undefined
    const due = mishaps.find((mishap) => mishap.skip === 0)
    mishaps = mishaps.filter((mishap) => mishap !== due)
    for (const mishap of mishaps) mishap.skip = Math.max(0, mishap.skip - 1)
    return due?.how
  }

  return {
    get open() {
      return stage === 'open'
    },
    accept(peer) {
      if (stage !== 'dialling') return
      stage = 'open'
      far = peer
      down.send(() => toNear(near.open))
    },
    refuse() {
      if (stage !== 'dialling') return
      stage = 'closed'
      down.send(() => toNear(() => near.close({ code: NO_CLOSE_FRAME, reason: '' })))
    },
    sendUp(data) {
      if (stage !== 'open') return
      up.send(() => {
        if (!silentUp) far?.receive(data)
      })
    },
    sendDown(data) {
      if (stage !== 'open') return
      const message = typeof data === 'string' ? data : new Uint8Array(data).buffer
      const deliver = (): void => toNear(() => near.message(message))
      const mishap = nextMishap(data)
      if (mishap === 'lose') return
      if (mishap === 'delay') down.send(deliver, LATE_MS)
      else down.send(deliver)
      if (mishap === 'repeat') down.send(deliver)
    },
    closeNear() {
      if (stage === 'closed') return
      const wasOpen = stage === 'open'
      stage = 'closed'
      listening = false
      // The server learns of it after everything that was sent before, unless nothing gets there.
      if (wasOpen) up.send(() => (silentUp ? undefined : leaveFar()))
    },
    closeFar(code, reason) {
      if (stage === 'closed') return
      stage = 'closed'
      down.send(() => toNear(() => near.close({ code, reason })))
      up.end(0)
      leaveFar()
    },
    cut(arriveUp, arriveDown) {
      if (stage === 'closed') return
      up.end(silentUp ? 0 : arriveUp)
      stage = 'closed'
      leaveFar()
      down.end(arriveDown)
      toNear(() => near.close({ code: NO_CLOSE_FRAME, reason: '' }))
      listening = false
    },
    silence(direction) {
      if (direction !== 'down') silentUp = true
      if (direction !== 'up') silentDown = true
    },
    abandon() {
      const wasOpen = stage === 'open'
      listening = false
      stage = 'closed'
      if (wasOpen) up.send(() => (silentUp ? undefined : leaveFar()))
    },
    mangle: (how, skip) => void mishaps.push({ how, skip }),
  }
}
