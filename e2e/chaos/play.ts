import { setTimeout as wait } from 'node:timers/promises'
import { type Strike, strike } from './faults.js'
import { type Round, tellFault } from './schedule.js'
import { answerOf, StuckError, until, within } from './until.js'
import { tellWriter, verify } from './verify.js'
import type { World } from './world.js'

/** What came of a phase. */
export interface Played {
  readonly strikes: readonly Strike[]
  /** How many ops the server's log has in the end. */
  readonly logged: number
}

/** Plays the rounds, each until everybody has come right again, and compares everything in the end. */
export async function play(
  world: World,
  rounds: readonly Round[],
  tabs: number,
  tell: (line: string) => void = () => undefined,
): Promise<Played> {
  const strikes: Strike[] = []
  let logged = 0
  try {
    await world.tabs.refill(tabs)
    for (const [index, { afterMs, faults, online }] of rounds.entries()) {
      tell(`${index + 1}/${rounds.length} ${faults.map(tellFault).join(' + ')}`)
      // The moment of a fault is the dice's.
      await wait(afterMs)
      strikes.push(
        ...(await Promise.all(
          faults.map((fault) => within(`${tellFault(fault)} is over`, strike(world, fault))),
        )),
      )
      if (online) await tellOnline(world)
      await recovered(world, tabs, Date.now(), !faults.every(({ kind }) => kind === 'leader'))
    }
    tell('comparing')
    logged = await verify(world)
  } catch (error) {
    if (!(error instanceof StuckError)) throw error
    world.ledger.violation(`${error.message}\n${await tellWorld(world)}`)
  }
  return { strikes, logged }
}

/** What a browser tells its pages when the network is back. */
async function tellOnline({ tabs }: World): Promise<void> {
  for (const { page } of tabs.alive()) {
    await answerOf(
      page.evaluate(() => window.dispatchEvent(new Event('online'))),
      1_000,
    )
  }
}

/** Until all tabs are there, and each has had an answer to a new call, and a commit where the server was struck. */
async function recovered(
  { tabs }: World,
  count: number,
  since: number,
  untilCommitted: boolean,
): Promise<void> {
  const slow = () =>
    tabs
      .alive()
      .filter(
        ({ writer }) => writer.lastAnsweredFrom < since || (untilCommitted && writer.lastCommitAt < since),
      )
  await until(
    () => `writers go on: ${slow().map(({ writer }) => tellWriter(writer))}`,
    async () => {
      await within('there are all tabs', tabs.refill(count))
      return slow().length === 0 && tabs.alive().length === count
    },
  )
}

/** What is to be seen when nothing goes on: each tab's status, and who holds and awaits which lock. */
async function tellWorld({ tabs }: World): Promise<string> {
  const lines = tabs.alive().map(async ({ page, writer }) => {
    const status = await answerOf(
      page.evaluate(async () => JSON.stringify(await window.store.status())),
      2_000,
    )
    return `  ${tellWriter(writer)}: ${status ?? 'no status'}`
  })
  const locks = tabs.alive().map(({ page }) => answerOf(page.evaluate(tellLocks), 2_000))
  return [...(await Promise.all(lines)), `  ${await Promise.race(locks)}`].join('\n')
}

/** In the page. */
async function tellLocks(): Promise<string> {
  const { held = [], pending = [] } = await navigator.locks.query()
  const tell = (locks: LockInfo[]) => locks.map(({ name, clientId }) => `${name} ${clientId}`).join(', ')
  return `held: ${tell(held)}; awaited: ${tell(pending)}`
}

export function tellStrikes(strikes: readonly Strike[]): string {
  const start = strikes[0]?.from ?? 0
  return strikes
    .map(({ fault, from }) => `  ${((from - start) / 1_000).toFixed(2)} s ${tellFault(fault)}`)
    .join('\n')
}
