import type { Page } from '@playwright/test'
import { kindOf, type Ledger, type WriterRecord } from './ledger.js'

/** What a writer has been promised to be on the device. */
interface Claim {
  readonly name: string
  readonly puts: readonly number[]
  readonly batches: readonly number[]
  readonly members: readonly number[]
  readonly counted: number
  readonly register: number
}

/**
 * After a browser was killed: every write whose promise had resolved is there, and the copy is sound. `page` is the app
 * in the browser that came after.
 */
export async function auditDisk(page: Page, writers: readonly WriterRecord[], ledger: Ledger): Promise<void> {
  for (const line of await page.evaluate(findMissing, writers.map(claimOf))) {
    ledger.violation(`Gone after a SIGKILL of the browser: ${line}`)
  }
  await auditCopy(page, 'after a SIGKILL of the browser', ledger)
}

/** The local copy checks itself: `pragma integrity_check`, rows, outbox, and what is shown. */
export async function auditCopy(page: Page, when: string, ledger: Ledger): Promise<void> {
  const { local } = await page.evaluate(() => window.store.doctor())
  for (const { code, message } of local.problems) ledger.violation(`doctor() ${when}: ${code}: ${message}`)
}

function claimOf(writer: WriterRecord): Claim {
  const numbers = (kind: string) => [...writer.acked.keys()].filter((n) => kindOf(writer, n) === kind)
  return {
    name: writer.name,
    puts: numbers('put'),
    batches: numbers('batch'),
    members: numbers('add'),
    counted: numbers('count').length,
    register: Math.max(-1, ...numbers('register')),
  }
}

/** In the page: what has been promised, and is not there. */
async function findMissing(claims: readonly Claim[]): Promise<string[]> {
  const { store } = window
  const { kind } = (await store.status()).storage
  const missing = kind === 'opfs' ? [] : [`the database: it is on ${kind}`]
  for (const { name, puts, batches, members, counted, register } of claims) {
    const [ledger, batched, set, count, last] = await Promise.all([
      store.get<Record<string, number>>(`ledger/${name}`),
      store.get<Record<string, number>>(`batches/${name}`),
      store.get<Set<number>>(`sets/${name}`),
      store.get<number>(`counters/${name}`),
      store.get<number>(`registers/${name}`),
    ])
    for (const n of puts) if (ledger?.[n] !== n) missing.push(`ledger/${name}/${n}`)
    for (const n of batches) if (batched?.[n] !== n) missing.push(`batches/${name}/${n}`)
    for (const n of members) if (!set?.has(n)) missing.push(`sets/${name}, member ${n}`)
    if ((count ?? 0) < counted) missing.push(`counters/${name}: ${count} of ${counted}`)
    if ((last ?? -1) < register) missing.push(`registers/${name}: ${last}, and ${register} was written`)
  }
  return missing
}
