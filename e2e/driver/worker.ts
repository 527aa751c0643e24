/// <reference types="vite/client" />
import wasmUrl from '@dustlayer/client/sqlite3.wasm?url'
import { loadSqlite, memoryRung, opfsRung, type Rung } from '@dustlayer/client/testing'
import { driverSuite } from '@dustlayer/replica/testing'
import { createClock } from '@dustlayer/sync'

/** Runs the suite on the databases of one rung; each case gets a database of its own. */
async function run(rung: Rung): Promise<string[]> {
  const storage = await rung.open()
  const failures: string[] = []
  for (const [i, { name, run: runCase }] of driverSuite.entries()) {
    const driver = await storage.open(`suite/${i}`)
    try {
      runCase(driver)
    } catch (error) {
      failures.push(`${rung.name}: ${name}: ${error}`)
    } finally {
      driver.close()
    }
  }
  await storage.close()
  return failures
}

const sqlite3 = await loadSqlite(new URL(wasmUrl, location.href).href)
const clock = createClock({ setTimeout, clearTimeout, now: Date.now })
const opfs = opfsRung({ sqlite3, instance: 'driver-suite', clock, random: Math.random })
const failures = [...(await run(memoryRung(sqlite3))), ...(await run(opfs))]
// Again on the same pool, which was paused in between: what a tab does that leads a second time.
const again = await opfs.open()
const kept = (await again.open('suite/0')).all('select count(*) from sqlite_schema')
postMessage({ cases: driverSuite.length, failures, kept })
