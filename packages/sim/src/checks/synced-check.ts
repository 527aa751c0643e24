import type { Scene, Site } from '../site.js'

/** The barrier keeps its word: what was pending at the call has its answer, and what the server had is here. */
export function awaitSynced({ history, findings }: Scene, { app, machine }: Site): void {
  const { index, disk, issued } = machine
  const before = issued.all.slice()
  const { current } = history
  const { head } = current
  app.synced(() => {
    const { process } = machine
    // What a server knew before it was restored is no measure any more.
    if (!process || history.current !== current) return
    const pending = new Set(disk.raw.all('select op_id from outbox').map(([opId]) => opId))
    const left = before.find(({ opId }) => pending.has(opId))
    const cursor = process.replica.sync.cursor()
    if (left) findings.add('synced', `Client ${index} is said to be in step, and ${left.opId} is pending.`)
    if (cursor < head)
      findings.add('synced', `Client ${index} is said to be in step at ${cursor}; the server was at ${head}.`)
  })
}
