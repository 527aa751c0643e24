/** What can hold up a worker of the test world. */
export interface Holds {
  /** While set, calls wait in the leader and do not run. */
  stalled: boolean
  /** While set, nothing that others post arrives in it, and what it tells its page waits. */
  frozen: boolean
  /** While set, its storage does not open, and nothing says why. */
  stuck: boolean
  /** While set, the browser does not tell it which locks are held. */
  deaf: boolean
  /** While set, nothing in it runs at all: no timer, no message, no lock, no socket. */
  hung: boolean
}

/** One of them: while it is on, what has to pass waits. */
export interface Hold {
  on: boolean
  pass(run: () => void): void
  readonly waiting: number
}

export type HoldSwitches = { readonly [name in keyof Holds]: Hold }

function createHold(): Hold {
  let on = false
  const gate = createGate(() => !on)
  return {
    get on() {
      return on
    },
    set on(now) {
      on = now
      if (!now) gate.release()
    },
    pass: gate.pass,
    get waiting() {
      return gate.length
    },
  }
}

export function createHolds(): HoldSwitches {
  return {
    stalled: createHold(),
    frozen: createHold(),
    stuck: createHold(),
    deaf: createHold(),
    hung: createHold(),
  }
}

/** Adds a property for each hold of the present worker. */
export function withHolds<T extends object>(target: T, present: () => HoldSwitches): T & Holds {
  for (const name of Object.keys(createHolds()) as (keyof Holds)[]) {
    Object.defineProperty(target, name, {
      get: () => present()[name].on,
      set(on: boolean) {
        present()[name].on = on
      },
    })
  }
  return target as T & Holds
}

/** A line of things that wait while something is the case. */
export function createGate(open: () => boolean): {
  pass(run: () => void): void
  release(): void
  readonly length: number
} {
  const waiting: (() => void)[] = []
  return {
    pass(run) {
      if (open()) run()
      else waiting.push(run)
    },
    release() {
      for (const run of waiting.splice(0)) run()
    },
    get length() {
      return waiting.length
    },
  }
}
