import { isDeepStrictEqual } from 'node:util'
import type { Page } from '@playwright/test'
import { type LoggedOp, readLog } from '../support/raw-client.js'
import { auditCopy } from './audit.js'
import type { Ledger, WriterRecord } from './ledger.js'
import { checkLog, type StoreState } from './log-check.js'
import type { ChaosTab } from './tabs.js'
import { until } from './until.js'
import type { World } from './world.js'

/**
 * The end of a phase. All comes to rest; then the server's log, as a raw client reads it, each tab, and a browser that
 * has never been here are compared with what the writers wrote. Gives the length of the log.
 */
export async function verify({ tabs, server, ledger, address, openOther }: World): Promise<number> {
  for (const { page, writer } of tabs.alive()) {
    writer.issued = await page.evaluate(() => window.chaos?.stop() ?? null)
  }
  for (const { page, writer } of tabs.alive()) {
    await until(
      () => `all of ${tellWriter(writer)} is acknowledged`,
      () => writer.acked.size === writer.issued,
    )
    await until(
      () => `all of ${tellWriter(writer)} is committed`,
      () => writer.committed.size === writer.issued,
    )
    await untilAtRest(page, `${writer.name}’s tab`)
  }

  const log = await readLog(server)
  const expected = checkLog(log, ledger)
  for (const tab of tabs.alive()) {
    await untilAt(tab.page, log.length, `${tab.writer.name}’s tab`)
    await compare(tab.page, expected, `${tab.writer.name}’s tab`, ledger)
    await checkTold(tab, log, ledger)
  }
  const [tab] = tabs.alive()
  if (tab) await auditCopy(tab.page, 'at the end', ledger)

  const page = await (await openOther()).context.newPage()
  await page.goto(address)
  await untilAt(page, log.length, 'a new browser')
  await compare(page, expected, 'a new browser', ledger)
  return log.length
}

export function tellWriter({ name, acked, committed, issued }: WriterRecord): string {
  return `${name} (${issued ?? '?'} issued, ${acked.size} acknowledged, ${committed.size} committed)`
}

async function untilAtRest(page: Page, whose: string): Promise<void> {
  let last = {}
  await until(
    () => `${whose} is live, with nothing pending: ${JSON.stringify(last)}`,
    async () => {
      const { connection, pending, error } = await page.evaluate(() => window.store.status())
      last = { connection, pending, error: error?.message }
      return connection === 'live' && pending.count === 0
    },
  )
}

async function untilAt(page: Page, seq: number, whose: string): Promise<void> {
  let at = 0
  await until(
    () => `${whose} has come to ${seq}; it is at ${at}`,
    async () => {
      at = await page.evaluate(async () => (await window.store.status()).lastStoreSeq)
      return at >= seq
    },
  )
}

async function compare(page: Page, expected: StoreState, whose: string, ledger: Ledger): Promise<void> {
  const text = await page.evaluate(async () => {
    const nodes = await window.store.getMany([
      'counter',
      'ledger',
      'batches',
      'counters',
      'sets',
      'registers',
    ])
    const plain = (_key: string, value: unknown) =>
      value instanceof Set ? [...value].sort((one, other) => one - other) : value
    return JSON.stringify(nodes, plain)
  })
  // What is not there at all is a node with nothing in it.
  const empty: StoreState = { counter: 0, ledger: {}, batches: {}, counters: {}, sets: {}, registers: {} }
  const found: StoreState = { ...empty, ...JSON.parse(text) }
  // The keys of a state are these.
  for (const part of Object.keys(empty) as (keyof StoreState)[]) {
    if (isDeepStrictEqual(found[part], expected[part])) continue
    ledger.violation(
      `${part} in ${whose} is not what the log makes: ${firstDifference(found[part], expected[part])}`,
    )
  }
}

function firstDifference(found: unknown, expected: unknown, at = ''): string {
  if (isMap(found) && isMap(expected)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      if (!isDeepStrictEqual(found[key], expected[key])) {
        return firstDifference(found[key], expected[key], `${at}/${key}`)
      }
    }
  }
  return `at ${at || '/'} it is ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`.slice(0, 500)
}

function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a subscription has told is each entry's commit once, in the log's order, without a gap, to the end. */
async function checkTold(
  { page, writer }: ChaosTab,
  log: readonly LoggedOp[],
  ledger: Ledger,
): Promise<void> {
  const seqs = log.filter(({ path }) => path.startsWith('ledger/')).map(({ store_seq }) => store_seq)
  const runs = await until(`${writer.name} has been told of all`, async () => {
    const told = await page.evaluate(() => window.chaos?.told().runs)
    return told && (told.at(-1)?.at(-1) ?? seqs.at(-1)) === seqs.at(-1) && told
  })
  for (const run of runs) {
    const start = seqs.indexOf(run[0] ?? -1)
    const due = start < 0 ? [] : seqs.slice(start, start + run.length)
    if (isDeepStrictEqual(run, due)) continue
    const wrong = run.findIndex((seq, index) => seq !== due[index])
    ledger.violation(
      `${writer.name} was told of ${run.slice(Math.max(0, wrong - 2), wrong + 3)}, not ${due.slice(Math.max(0, wrong - 2), wrong + 3)}`,
    )
  }
}
