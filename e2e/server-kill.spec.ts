import { readLog } from './support/raw-client.js'
import { expect, test, untilSynced } from './support/test.js'

declare global {
  interface Window {
    /** Path to revision, of the writes that the server has acknowledged. */
    acknowledged: Record<string, number>
  }
}

test('a server killed in the middle of a stream of acknowledged writes loses none of them', async ({
  server,
  newProfile,
  newTab,
}) => {
  const page = await newTab(await newProfile())
  await untilSynced(page)

  const total = 2000
  const writing = page.evaluate(async (total) => {
    window.acknowledged = {}
    for (let i = 0; i < total; i++) {
      const path = `log/${i}`
      const write = await window.store.put(path, i)
      write.committed.then(({ revision }) => {
        window.acknowledged[path] = revision
      })
    }
  }, total)
  const acknowledged = () => page.evaluate(() => window.acknowledged)
  await expect
    .poll(async () => Object.keys(await acknowledged()).length, { intervals: [5] })
    .toBeGreaterThan(200)
  await server.kill()
  const before = await acknowledged()
  await server.start()

  // What the server has on its disk now, whoever else still has a copy.
  const survived = new Map((await readLog(server)).map((op) => [op.path, op.store_seq]))
  const lost = Object.entries(before).filter(([path, revision]) => survived.get(path) !== revision)
  expect(lost).toEqual([])

  await writing
  await untilSynced(page)
  const log = await readLog(server)
  expect(log.map((op) => op.path)).toEqual(Array.from({ length: total }, (_, i) => `log/${i}`))
  await expect.poll(async () => Object.keys(await acknowledged()).length).toBe(total)
  expect(await acknowledged()).toEqual(Object.fromEntries(log.map((op) => [op.path, op.store_seq])))
})
