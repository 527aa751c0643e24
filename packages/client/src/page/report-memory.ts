import type { StoreReport } from '../tab/status-report.js'

/**
 * What this page was told of its stores, over changes of the leader. Each leader begins to count anew; for the page,
 * an outage goes on, and what was once complete was so.
 */
export interface ReportMemory {
  last(store: string): StoreReport | undefined
  /** `every`: the page is told all reports of that store. Gives the report as it is for this page. */
  note(report: StoreReport, every: boolean): StoreReport
}

/** An outage that has not been seen to end. */
type Outage = Pick<StoreReport, 'connection' | 'since'>

export function createReportMemory(): ReportMemory {
  const reports = new Map<string, StoreReport>()
  const outages = new Map<string, Outage>()

  /** When the outage began that the report is about: an attempt to connect in between does not end it. */
  const since = (report: StoreReport, caughtUpAt: number | null): number => {
    const { store, connection } = report
    if (connection === 'connecting') return report.since
    const before = outages.get(store)
    const goesOn = before?.connection === connection && (caughtUpAt === null || caughtUpAt < before.since)
    const outage = goesOn ? before : { connection, since: report.since }
    if (connection === 'offline' || connection === 'refused') outages.set(store, outage)
    else outages.delete(store)
    return outage.since
  }

  return {
    last: (store) => reports.get(store),
    note(report, every) {
      const before = reports.get(report.store)
      const caughtUpAt = report.caughtUpAt ?? before?.caughtUpAt ?? null
      if (!every) outages.delete(report.store)
      const told: StoreReport = {
        ...report,
        caughtUpAt,
        lastResync: report.lastResync ?? before?.lastResync ?? null,
        since: every ? since(report, caughtUpAt) : report.since,
      }
      reports.set(report.store, told)
      return told
    },
  }
}
