import type { Kind, Report } from './writer.js'

/** What one writer has told of its writes. */
export interface WriterRecord {
  readonly name: string
  readonly program: readonly Kind[]
  /** Durable on the device: the op ids of each, by its number. */
  readonly acked: Map<number, readonly string[]>
  /** In the server's log: its places there. */
  readonly committed: Map<number, readonly number[]>
  /** How many it issued, when it was stopped in peace. Its tab may have ended before. */
  issued: number | null
  /** When its last call was issued of those that have been answered. */
  lastAnsweredFrom: number
  /** When it was told of its latest commit. */
  lastCommitAt: number
}

export interface Call {
  readonly writer: string
  readonly from: number
  readonly to: number
}

/** Everything that the writers of a phase have told, and when. */
export interface Ledger {
  readonly writers: ReadonlyMap<string, WriterRecord>
  readonly calls: readonly Call[]
  /** What must never happen, in words. */
  readonly violations: readonly string[]
  enter(name: string, program: readonly Kind[]): WriterRecord
  take(reports: readonly Report[]): void
  violation(text: string): void
}

export function createLedger(): Ledger {
  const writers = new Map<string, WriterRecord>()
  const calls: Call[] = []
  const violations: string[] = []

  const take = (report: Report) => {
    const writer = writers.get(report.writer)
    if (!writer) throw new Error(`Nobody is called ${report.writer}`)
    switch (report.type) {
      case 'acked':
        if (writer.acked.has(report.n)) violations.push(`${writer.name} ${report.n} was acknowledged twice`)
        writer.acked.set(report.n, report.opIds)
        break
      case 'committed':
        writer.committed.set(report.n, report.revisions)
        writer.lastCommitAt = Date.now()
        return
      case 'read':
        if (report.got < report.expected) {
          violations.push(`${writer.name} read ${report.got} after it had written ${report.expected}`)
        }
        break
      case 'failed':
        violations.push(`${writer.name}: ${report.what} failed: ${report.error}`)
        return
    }
    writer.lastAnsweredFrom = Math.max(writer.lastAnsweredFrom, report.from)
    calls.push({ writer: writer.name, from: report.from, to: report.to })
  }

  return {
    writers,
    calls,
    violations,
    enter(name, program) {
      const record: WriterRecord = {
        name,
        program,
        acked: new Map(),
        committed: new Map(),
        issued: null,
        lastAnsweredFrom: 0,
        lastCommitAt: 0,
      }
      writers.set(name, record)
      return record
    },
    take: (reports) => reports.forEach(take),
    violation: (text) => void violations.push(text),
  }
}

/** The kind of a writer's n-th write. */
export function kindOf({ program }: WriterRecord, n: number): Kind {
  // The index is within the list.
  return program[n % program.length] as Kind
}
