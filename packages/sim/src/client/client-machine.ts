import type { Replica } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import type { SimClock, SimTime } from '../time.js'
import { Crash, type Findings } from '../violation.js'
import { type ClientDisk, createClientDisk, isDiskFull } from './client-disk.js'
import { type ClientProcess, type Surroundings, startProcess } from './client-process.js'
import { createIssued, type Issued } from './issued.js'

/** How long a machine stays down whose process dies by itself. */
const DOWN_MS = 500

/** One device: a disk that stays, and processes that die and come back. */
export interface ClientMachine {
  readonly index: number
  readonly disk: ClientDisk
  readonly issued: Issued
  /** Undefined while there is none. */
  readonly process: ClientProcess | undefined
  /** The store_seq of the newest snapshot that was taken in: own ops before it were not seen one by one. */
  readonly snapshotSeq: number
  /** Timers of the present process. */
  readonly clock: SimClock
  /** Its process dies, and another starts after so long. */
  kill(ms?: number): void
  /** The next process starts now, if there is none. */
  start(): void
  /** Its process ends in good order. */
  end(): void
  /** Everything is over. */
  close(): void
}

export interface ClientMachineOptions extends Omit<Surroundings, 'issued'> {
  readonly time: SimTime
  readonly findings: Findings
  /** Its process is gone, and so are its connections. */
  died(): void
  /** A process has opened the replica. */
  opened(replica: Replica, disk: ClientDisk): void
}

export function createClientMachine(options: ClientMachineOptions): ClientMachine {
  const { index, time, trace } = options
  const disk = createClientDisk(openBetterSqlite())
  const issued = createIssued(index, options.findings)
  let process: ClientProcess | undefined
  let clock = time.clock()
  let snapshotSeq = 0
  let starts = 0

  /** A process that dies, or finds its disk failing, while it opens the replica leaves the start to the next one. */
  const start = (): void => {
    if (process) return
    try {
      launch()
    } catch (error) {
      if (!(error instanceof Crash) && !isDiskFull(error)) throw error
      disk.detach()
      startIn(DOWN_MS)
    }
  }

  const startIn = (ms: number): void => {
    const mine = starts
    time.after(ms, () => {
      if (starts !== mine) return
      trace?.(`c${index}      starts`)
      start()
    })
  }

  const launch = (): void => {
    starts += 1
    clock = time.clock()
    let alive = true
    const driver = disk.attach(() => {
      alive = false
      // Its code is still on the stack, and is taken down when that is done.
      time.after(0, () => {
        if (process?.alive === false) bury(process, DOWN_MS)
      })
      trace?.(`c${index}      dies`)
      options.died()
    })
    process = startProcess({
      ...options,
      issued,
      driver,
      clock,
      alive: () => alive,
      snapshot(seq, reset) {
        snapshotSeq = reset ? seq : Math.max(snapshotSeq, seq)
      },
    })
    options.opened(process.replica, disk)
  }

  /** The process is gone; what it held open goes with it. */
  const bury = (dead: ClientProcess, downMs: number): void => {
    if (process !== dead) return
    process = undefined
    disk.detach()
    quietly(() => dead.client.close())
    startIn(downMs)
  }

  start()
  return {
    index,
    disk,
    issued,
    get process() {
      return process?.alive ? process : undefined
    },
    get snapshotSeq() {
      return snapshotSeq
    },
    get clock() {
      return clock
    },
    kill(ms = DOWN_MS) {
      if (!process) return
      trace?.(`c${index}      is killed`)
      options.died()
      bury(process, ms)
    },
    start,
    end() {
      quietly(() => process?.client.close())
      process = undefined
      starts += 1
    },
    close() {
      quietly(() => process?.client.close())
      disk.raw.close()
    },
  }
}

/** What is left of a dead process may still throw. */
export function quietly(run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof Crash)) throw error
  }
}
