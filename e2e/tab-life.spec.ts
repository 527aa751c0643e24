import type { Page } from '@playwright/test'
import type { Profile } from './support/browser.js'
import { expect, test, untilSynced } from './support/test.js'

const leads = (page: Page) => page.evaluate(async () => (await window.store.status()).leader)
const read = (page: Page, path: string) => page.evaluate((path) => window.store.get(path), path)

/** Starts to count up, one call after the other, and says how far it is in the tab's title. */
function count(page: Page, total: number): Promise<void> {
  return page.evaluate(async (total) => {
    for (let done = 1; done <= total; done++) {
      await window.store.increment('n')
      document.title = String(done)
    }
  }, total)
}

/** What the browser tells a page that it freezes, or thaws. No page that is visible can really be frozen. */
async function tell(page: Page, type: 'freeze' | 'resume'): Promise<void> {
  await page.evaluate((type) => void document.dispatchEvent(new Event(type)), type)
}

/** Runs in the page's worker, which answers nothing meanwhile. */
async function inWorker(page: Page, run: string): Promise<void> {
  const [worker] = page.workers()
  if (!worker) throw new Error('The page has no worker.')
  // In a turn of its own, so that the browser may end it.
  worker.evaluate((run) => void setTimeout(run), run).catch(() => undefined)
}

/** Names of the locks that anybody of the origin holds or waits for. */
const locks = (page: Page) =>
  page.evaluate(async () => {
    const { held = [], pending = [] } = await navigator.locks.query()
    return [...held, ...pending].map(({ name }) => name)
  })

/** Two tabs of a profile, the first of which leads. */
async function openTwo(profile: Profile, newTab: (profile: Profile) => Promise<Page>) {
  const leader = await newTab(profile)
  await untilSynced(leader)
  const follower = await newTab(profile)
  await untilSynced(follower)
  return { leader, follower }
}

test.describe('pain 13: the leading tab', () => {
  test('is about to be frozen: it gives way, the other goes on at once, and it follows when it is thawed', async ({
    newProfile,
    newTab,
  }) => {
    const { leader, follower } = await openTwo(await newProfile(), newTab)
    const counting = count(follower, 200)
    await expect.poll(async () => Number(await follower.title())).toBeGreaterThan(20)
    await tell(leader, 'freeze')
    await counting
    await expect.poll(() => leads(follower)).toBe(true)
    await tell(leader, 'resume')
    await expect.poll(() => read(leader, 'n')).toBe(200)
    expect(await leads(leader)).toBe(false)
    await untilSynced(leader)
  })

  test('hangs: it is deposed, its own page ends it, and no call is lost or doubled', async ({
    newProfile,
    newTab,
  }) => {
    const { leader, follower } = await openTwo(await newProfile(), newTab)
    const counting = count(follower, 100)
    await expect.poll(async () => Number(await follower.title())).toBeGreaterThan(10)
    await inWorker(leader, 'for (const end = Date.now() + 60_000; Date.now() < end; );')
    await counting
    expect(await read(follower, 'n')).toBe(100)
    await expect.poll(() => read(leader, 'n')).toBe(100)
    await untilSynced(follower)
  })

  for (const [name, how] of [
    ['is ended without a word', 'self.close()'],
    ['throws', 'throw new Error("of the test")'],
  ] as const) {
    test(`has a worker that ${name}: the page starts another, and its calls go on`, async ({
      newProfile,
      newTab,
    }) => {
      const profile = await newProfile()
      const tab = await newTab(profile)
      await untilSynced(tab)
      const counting = count(tab, 100)
      await expect.poll(async () => Number(await tab.title())).toBeGreaterThan(10)
      await inWorker(tab, how)
      await counting
      expect(await read(tab, 'n')).toBe(100)
      await untilSynced(tab)
      expect(
        await tab.evaluate(() => window.events.filter(({ op }) => op === 'increment').length),
      ).toBeGreaterThan(0)
    })
  }
})

test('destroy() leaves nothing behind, and ends the other tabs', async ({ newProfile, newTab }) => {
  const profile = await newProfile()
  const first = await newTab(profile)
  await untilSynced(first)
  await first.evaluate(async () => void (await window.store.put('k', 1)))
  const second = await newTab(profile)
  await untilSynced(second)
  const held = await second.evaluate(async () => {
    const root = await navigator.storage.getDirectory()
    const names: string[] = []
    for await (const name of root.keys()) names.push(name)
    return names
  })
  expect(held.length).toBeGreaterThan(0)
  await second.evaluate(() => window.dust.destroy())
  const code = (page: Page) =>
    page.evaluate(() =>
      window.store.get('k').then(
        () => 'served',
        (error) => error.code,
      ),
    )
  await expect.poll(() => code(first)).toBe('destroyed')
  expect(await code(second)).toBe('destroyed')
  await expect.poll(() => locks(second)).toEqual([])
  const left = await second.evaluate(async () => {
    const root = await navigator.storage.getDirectory()
    const files: string[] = []
    for await (const name of root.keys()) files.push(name)
    const keys: IDBValidKey[] = await new Promise((resolve, reject) => {
      const open = indexedDB.open('dust')
      open.onerror = () => reject(open.error)
      open.onsuccess = () => {
        const { result } = open
        const all = result.transaction('keys').objectStore('keys').getAllKeys()
        all.onsuccess = () => resolve(all.result)
      }
    })
    const databases = (await indexedDB.databases()).map(({ name }) => name)
    return { files, keys, databases, caches: await caches.keys() }
  })
  expect(left).toEqual({ files: [], keys: [], databases: ['dust'], caches: [] })
})

test('destroy() that could not remove everything says what is left, and goes on when it is called again', async ({
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const page = await newTab(profile)
  await untilSynced(page)
  await page.evaluate(async () => void (await window.store.put('k', 1)))
  // As a tab that hangs: a worker that has a file open and does nothing else.
  await page.evaluate(async () => {
    const holding = `(async () => {
      const root = await navigator.storage.getDirectory()
      for await (const [name, directory] of root.entries()) {
        if (!name.startsWith('.dust-') || directory.kind !== 'directory') continue
        const file = await directory.getFileHandle('held', { create: true })
        self.held = await file.createSyncAccessHandle()
        postMessage(name)
        return
      }
    })()`
    const worker = new Worker(URL.createObjectURL(new Blob([holding])))
    await new Promise((resolve) => worker.addEventListener('message', resolve))
    Object.assign(window, { release: () => worker.terminate() })
  })
  const destroy = () =>
    page.evaluate(() =>
      window.dust.destroy().then(
        () => 'done',
        ({ code, fields }) => ({ code, left: fields.left }),
      ),
    )
  expect(await destroy()).toEqual({ code: 'unavailable', left: ['its files'] })
  const call = await page.evaluate(() => window.store.get('k').catch(({ message }) => message))
  expect(call).toContain('not all of its local data could be removed')
  await page.evaluate(() => (window as unknown as { release(): void }).release())
  expect(await destroy()).toBe('done')
  const files = await page.evaluate(async () => {
    const names: string[] = []
    for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name)
    return names
  })
  expect(files).toEqual([])
  await expect.poll(() => locks(page)).toEqual([])
})

test('instances of one origin do not see each other: another name, another user', async ({
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const page = await newTab(profile)
  await page.evaluate(async () => {
    await window.dust.close()
    const query = new URLSearchParams(location.search)
    // The page was opened with all of them.
    const [url, token, name] = ['url', 'token', 'store'].map((key) => query.get(key) as string)
    const open = (more: object) => {
      const dust = window.createDust({ url: url as string, token: token as string, ...more })
      dust.setOnline(false)
      return dust
    }
    const all = [open({}), open({ name: 'other' }), open({ user: 'ann' }), open({ user: 'bob' })]
    const found: unknown[] = []
    for (const dust of all)
      found.push(await dust.get(name as string, 'k'), await dust.put(name as string, 'k', 1))
    await Promise.all(all.map((dust) => dust.close()))
    if (found.some((value, i) => i % 2 === 0 && value !== undefined)) throw new Error('They share data.')
  })
})

/** How often the page opens and closes Dust: more than what the browser warms up with, and quick enough for CI. */
const OPENINGS = Number(process.env.DUST_OPENINGS ?? 60)
const WARM_UP = 10

test(`a page that opens and closes Dust ${OPENINGS} times does not grow`, async ({ newProfile, newTab }) => {
  test.setTimeout(60_000 + OPENINGS * 2_000)
  const profile = await newProfile()
  const page = await newTab(profile)
  await untilSynced(page)
  await page.evaluate(() => window.dust.close())
  const session = await page.context().newCDPSession(page)
  const cycles = (times: number) =>
    page.evaluate(async (times) => {
      const query = new URLSearchParams(location.search)
      // The page was opened with all of them.
      const [url, token, name] = ['url', 'token', 'store'].map((key) => query.get(key) as string)
      for (let i = 0; i < times; i++) {
        const dust = window.createDust({ url: url as string, token: token as string })
        const store = dust.store(name as string)
        store.live('*', () => undefined)
        store.onStatus(() => undefined)
        await store.put('k', i)
        await dust.close()
      }
    }, times)
  const measure = async () => {
    await expect.poll(() => locks(page)).toEqual([])
    await session.send('HeapProfiler.collectGarbage')
    const { jsEventListeners: listeners, documents, nodes } = await session.send('Memory.getDOMCounters')
    const { usedSize } = await session.send('Runtime.getHeapUsage')
    const heapKiB = Math.round(usedSize / 1024)
    return { heapKiB, listeners, documents, nodes, workers: page.workers().length, ...(await profile.held()) }
  }
  await cycles(WARM_UP)
  const before = await measure()
  const measured = [{ openings: WARM_UP, ...before }]
  // In parts, so that growth shows where it begins.
  for (let done = WARM_UP; done < OPENINGS; ) {
    const part = Math.min(done < 100 ? 100 - done : 100, OPENINGS - done)
    await cycles(part)
    done += part
    measured.push({ openings: done, ...(await measure()) })
  }
  // The browser takes a moment to let go of what it has of its own.
  await expect.poll(async () => (await measure()).listeners).toBeLessThan(before.listeners + 10)
  const after = await measure()
  measured.push({ openings: OPENINGS, ...after })
  await test
    .info()
    .attach('measured', { body: JSON.stringify(measured, null, 1), contentType: 'application/json' })
  if (process.env.DUST_OPENINGS) console.table(measured)
  expect(after.workers).toBe(0)
  expect(after.listeners).toBeLessThan(before.listeners + 10)
  expect(after.documents).toBe(before.documents)
  // Openings that kept anything of a worker, a message or a store would take far more.
  expect(after.heapKiB - before.heapKiB).toBeLessThan(500)
  // Chromium starts and ends processes as it likes, with some 25 files and 10 threads each.
  const others = Math.max(after.processes - before.processes, 0)
  expect(after.openFiles - before.openFiles).toBeLessThan(20 + 40 * others)
  expect(after.threads - before.threads).toBeLessThan(20 + 20 * others)
})
