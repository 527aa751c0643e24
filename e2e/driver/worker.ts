/// <reference types="vite/client" />
import wasmUrl from '@dustlayer/client/sqlite3.wasm?url'
import {
  createInstanceDatabase,
  indexedDbRung,
  loadSqlite,
  memoryRung,
  openIdbBlocks,
  opfsRung,
  type Rung,
} from '@dustlayer/client/testing'
import { driverSuite } from '@dustlayer/replica/testing'
import { createClock } from '@dustlayer/sync'

const terms = {
  epoch: 1,
  signal: new AbortController().signal,
  onWaiting: () => undefined,
  onFault: () => undefined,
}

/** Runs the suite on the databases of one rung; each case gets a database of its own. */
async function run(rung: Rung): Promise<string[]> {
  const files = await rung.open(terms)
  const failures: string[] = []
  for (const [i, { name, run: runCase }] of driverSuite.entries()) {
    const { driver, durable } = await files.open(`suite-${i}`)
    try {
      runCase(driver)
      await durable()
    } catch (error) {
      failures.push(`${rung.name}: ${name}: ${error}`)
    } finally {
      driver.close()
    }
  }
  await files.close()
  return failures
}

/** Again on the same files: what a tab does that leads a second time. */
async function readAgain(rung: Rung): Promise<unknown> {
  const files = await rung.open(terms)
  const { driver } = await files.open('suite-0')
  return driver.all('select count(*) from sqlite_schema')
}

const sqlite3 = await loadSqlite(new URL(wasmUrl, location.href).href)
const clock = createClock({ setTimeout, clearTimeout, now: Date.now })
const instance = 'driver-suite'
let pools = 0
const vfsName = () => `${instance}-${++pools}`
const opfs = opfsRung({ sqlite3, instance, clock, random: Math.random, vfsName })
const database = createInstanceDatabase({ instance, clock, onLost: () => undefined })
const indexedDb = indexedDbRung({
  sqlite3,
  vfsName,
  openBlocks: (epoch) => openIdbBlocks(database.blocks, epoch),
  toError: async (cause) => new Error(String(cause)),
})
const failures = [...(await run(memoryRung(sqlite3))), ...(await run(opfs)), ...(await run(indexedDb))]
postMessage({
  cases: driverSuite.length,
  failures,
  kept: [await readAgain(opfs), await readAgain(indexedDb)],
})
