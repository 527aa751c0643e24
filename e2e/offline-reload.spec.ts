import type { Page } from '@playwright/test'
import { readLog } from './support/raw-client.js'
import { expect, test, untilSynced } from './support/test.js'

const INCREMENTS = 25

/** Writes of every kind, and increments, which show at once if one were lost or doubled. */
async function writeOffline(page: Page): Promise<void> {
  await page.evaluate(async (increments) => {
    const { store } = window
    await Promise.all([
      store.put('note', { title: 'written offline', draft: true }),
      store.merge('note', { draft: false }),
      store.put('gone', 1),
      store.delete('gone'),
      store.add('tags', 'offline'),
      ...Array.from({ length: increments }, () => store.increment('n')),
    ])
  }, INCREMENTS)
}
const WRITES = INCREMENTS + 5

async function expectWritten(page: Page): Promise<void> {
  const seen = await page.evaluate(async () => {
    const { tags, ...others } = await window.store.getMany(['note', 'gone', 'tags', 'n'])
    // A set does not travel out of the page.
    return { ...others, tags: [...(tags as Set<string>)] }
  })
  expect(seen).toEqual({ note: { title: 'written offline', draft: false }, tags: ['offline'], n: INCREMENTS })
}

test('H12 I12 I16 writes made offline survive a reload, a restart and a crash of the browser, and arrive once', async ({
  server,
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  let page = await newTab(profile)
  await untilSynced(page)
  await server.stop()
  await expect.poll(() => page.evaluate(() => window.store.status())).toMatchObject({ connection: 'offline' })

  await writeOffline(page)
  await expectWritten(page)

  await page.reload()
  await expectWritten(page)

  await profile.restart()
  page = await newTab(profile)
  await expectWritten(page)

  await profile.crash()
  page = await newTab(profile)
  await expectWritten(page)
  expect(await page.evaluate(() => window.store.status())).toMatchObject({ pending: { count: WRITES } })

  await server.start()
  await untilSynced(page)
  await expectWritten(page)
  const log = await readLog(server)
  expect(log).toHaveLength(WRITES)
  expect(new Set(log.map((op) => op.client_op_id)).size).toBe(WRITES)
  expect(log.at(-1)).toMatchObject({ op: 'increment', path: 'n', value: INCREMENTS })

  const other = await newTab(await newProfile())
  await untilSynced(other)
  await expectWritten(other)
})

test('I13 writes whose replies are lost with the server are recognised, not repeated', async ({
  server,
  link,
  newProfile,
  newTab,
}) => {
  const page = await newTab(await newProfile(), { url: link.url })
  await untilSynced(page)

  // The server commits, and neither its events nor its replies come through before it dies.
  link.hold()
  await writeOffline(page)
  await expect.poll(async () => (await readLog(server)).length).toBe(WRITES)
  expect(await page.evaluate(() => window.store.status())).toMatchObject({ pending: { count: WRITES } })
  await server.kill()
  link.cut()
  link.release()
  await server.start()

  await untilSynced(page)
  await expectWritten(page)
  expect(await readLog(server)).toHaveLength(WRITES)
  const writesSent = link.sockets.map(({ sent }) => sent.filter(([, , , event]) => event === 'write').length)
  expect(writesSent).toEqual([WRITES, 0])
})

test('I13 I14 a server killed again and again while increments stream in counts each once', async ({
  server,
  newProfile,
  newTab,
}) => {
  const page = await newTab(await newProfile())
  await untilSynced(page)
  const total = 1500
  const counting = page.evaluate(async (total) => {
    for (let done = 0; done < total; done++) {
      await window.store.increment('n')
      if (done % 100 === 0) await new Promise(requestAnimationFrame)
    }
  }, total)
  const confirmed = () => page.evaluate(async () => (await window.store.status()).lastStoreSeq)
  for (const threshold of [100, 400, 700]) {
    await expect.poll(confirmed, { intervals: [5] }).toBeGreaterThan(threshold)
    await server.kill()
    await server.start()
  }
  await counting
  await untilSynced(page)

  expect(await page.evaluate(() => window.store.get('n'))).toBe(total)
  const log = await readLog(server)
  expect(log).toHaveLength(total)
  expect(log.at(-1)).toMatchObject({ store_seq: total, value: total })
})
