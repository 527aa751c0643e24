import { isWriteCall, type Job } from './run-calls.js'

/**
 * What tabs want of one store, and nobody has run yet. Each tab's jobs come out in the order in which they went in;
 * tabs take turns, so that one with thousands of jobs does not keep the others waiting.
 */
export interface JobQueue {
  readonly empty: boolean
  push(job: Job): void
  /** The next, which stays. */
  peek(): Job | undefined
  take(): Job | undefined
  /** The tab is gone. Its writes are still wanted; there is nobody to read or to register for. */
  dropTab(tab: string): void
  takeAll(): Job[]
}

/** So many jobs of a tab come one after the other. */
const TURN = 64

interface Line {
  readonly tab: string
  jobs: Job[]
  /** How many of `jobs` have been taken: to take from the front of a long array costs as much as the array is long. */
  taken: number
}

export function createJobQueue(): JobQueue {
  /** None is empty; the first has its turn. */
  let lines: Line[] = []
  let left = TURN

  const passOn = (): void => {
    const line = lines.shift()
    if (line && line.taken < line.jobs.length) lines.push(line)
    left = TURN
  }

  const peek = (): Job | undefined => lines[0]?.jobs[lines[0].taken]

  return {
    get empty() {
      return lines.length === 0
    },
    push(job) {
      const line = lines.find(({ tab }) => tab === job.tab)
      if (line) line.jobs.push(job)
      else lines.push({ tab: job.tab, jobs: [job], taken: 0 })
    },
    peek,
    take() {
      const job = peek()
      const line = lines[0]
      if (!line) return undefined
      line.taken += 1
      left -= 1
      if (left === 0 || line.taken === line.jobs.length) passOn()
      return job
    },
    dropTab(gone) {
      lines = lines.flatMap((line) => {
        if (line.tab !== gone) return [line]
        const jobs = line.jobs.slice(line.taken).filter(({ call }) => isWriteCall(call))
        return jobs.length > 0 ? [{ tab: gone, jobs, taken: 0 }] : []
      })
    },
    takeAll() {
      const all = lines.flatMap(({ jobs, taken }) => jobs.slice(taken))
      lines = []
      return all
    },
  }
}
