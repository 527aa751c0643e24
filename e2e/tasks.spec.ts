import { fileURLToPath } from 'node:url'
import type { Locator, Page } from '@playwright/test'
import { readLog } from './support/raw-client.js'
import { startServer } from './support/server.js'
import { test as base, expect } from './support/test.js'

const APP = fileURLToPath(new URL('../examples/tasks/dist', import.meta.url))

const test = base.extend({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern.
  server: async ({}, use) => {
    const server = await startServer({ app: APP })
    await use(server)
    await server.dispose()
  },
})

const statusBar = (page: Page): Locator => page.getByRole('contentinfo', { name: 'Sync status' })
const list = (page: Page, name: string): Locator => page.getByRole('region', { name, exact: true })
/** By its title alone: a card also shows who has edited it, and those names are made of ordinary words. */
const task = (page: Page, title: string): Locator =>
  page.locator('.task', { has: page.locator('.task-title', { hasText: title }) })
const titles = (page: Page, listName: string): Locator => list(page, listName).locator('.task-title')

async function addList(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name of a new list').fill(name)
  await page.keyboard.press('Enter')
  await expect(list(page, name)).toBeVisible()
}

async function addTask(page: Page, listName: string, title: string): Promise<void> {
  await page.getByLabel(`Add a task to ${listName}`, { exact: true }).fill(title)
  await page.keyboard.press('Enter')
  await expect(titles(page, listName).last()).toHaveText(title)
}

async function untilSynced(page: Page): Promise<void> {
  await expect(statusBar(page)).toHaveAttribute('data-connection', 'live')
  await expect(statusBar(page)).toHaveAttribute('data-pending', '0')
}

/** Takes a card by the mouse and lets it go on another card. */
async function drag(page: Page, title: string, onto: Locator): Promise<void> {
  const from = await task(page, title).boundingBox()
  const to = await onto.boundingBox()
  if (!from || !to) throw new Error(`Cannot drag ${title}: it, or its target, is not on the page`)
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2)
  await page.mouse.down()
  await page.mouse.move(to.x + to.width / 2, to.y + 2, { steps: 12 })
  await page.mouse.up()
}

test('what is done in one window shows in the other tab and in another browser', async ({
  server,
  newProfile,
}) => {
  const [mine, theirs] = [await newProfile(), await newProfile()]
  const [here, tab, there] = [
    await mine.context.newPage(),
    await mine.context.newPage(),
    await theirs.context.newPage(),
  ]
  for (const page of [here, tab, there]) await page.goto(server.httpUrl)
  const others = [tab, there]
  await expect(here.getByText('A board that does not mind the network')).toBeVisible()

  await addList(here, 'Now')
  await addList(here, 'Later')
  await addTask(here, 'Now', 'Write the tests')
  await addTask(here, 'Now', '<b>bold</b> & brave')
  await addTask(here, 'Later', 'Rest')
  for (const page of others) {
    await expect(titles(page, 'Now')).toHaveText(['Write the tests', '<b>bold</b> & brave'])
    await expect(list(page, 'Now').getByLabel('2 open')).toBeVisible()
    await expect(task(page, 'Rest').getByText(/Added just now · .*other window/)).toBeVisible()
  }

  await drag(here, 'Write the tests', task(here, 'Rest'))
  for (const page of [here, ...others]) {
    await expect(titles(page, 'Later')).toHaveText(['Write the tests', 'Rest'])
    await expect(list(page, 'Later').getByLabel('2 open')).toBeVisible()
  }

  await here.getByLabel('Done: Rest').check()
  await there.getByLabel('Done: Write the tests').check()
  for (const page of [here, ...others]) {
    await expect(list(page, 'Later').getByLabel('0 open')).toBeVisible()
    await expect(page.getByText('2 completed so far')).toBeVisible()
  }

  // By keyboard, with the focus staying on the card.
  await task(there, 'Rest').locator('.task-title').focus()
  await there.keyboard.press('Alt+ArrowUp')
  for (const page of [here, there])
    await expect(titles(page, 'Later')).toHaveText(['Rest', 'Write the tests'])
  await there.keyboard.press('Alt+ArrowLeft')
  await expect(titles(here, 'Now')).toHaveText(['Rest', '<b>bold</b> & brave'])
  await expect(task(there, 'Rest').locator('.task-title')).toBeFocused()

  await task(here, 'bold').locator('.task-title').click()
  for (const page of others) await expect(task(page, 'bold').getByText(/is editing/)).toBeVisible()
  await here.keyboard.type('Calm')
  await here.keyboard.press('Enter')
  for (const page of others) await expect(titles(page, 'Now')).toHaveText(['Rest', 'Calm'])

  await task(here, 'Calm').press('Delete')
  for (const page of others) await expect(titles(page, 'Now')).toHaveText(['Rest'])
  await here.getByRole('button', { name: 'Undo' }).click()
  for (const page of others) await expect(titles(page, 'Now')).toHaveText(['Rest', 'Calm'])
})

test('the offline switch takes the page off the network, and nothing is lost', async ({
  server,
  newProfile,
}) => {
  const here = await (await newProfile()).context.newPage()
  const there = await (await newProfile()).context.newPage()
  for (const page of [here, there]) await page.goto(server.httpUrl)
  await addList(here, 'Now')
  await addTask(here, 'Now', 'Shared')
  await expect(titles(there, 'Now')).toHaveText(['Shared'])

  await statusBar(here).getByText('Work offline').click()
  await expect(statusBar(here)).toContainText('Offline (switched off)')
  await addTask(here, 'Now', 'Written on the train')
  await here.getByLabel('Done: Shared').check()
  await expect(statusBar(here)).toContainText(/changes to send, oldest \d+ s ago/)
  await expect(task(here, 'train').getByLabel('not sent yet')).toBeVisible()
  // The other browser edits another field of the same task meanwhile.
  await task(there, 'Shared').locator('.task-title').click()
  await there.keyboard.type('Shared by both')
  await there.keyboard.press('Enter')
  await untilSynced(there)
  await expect(titles(there, 'Now')).toHaveText(['Shared by both'])

  await statusBar(here).getByText('Work offline').click()
  await untilSynced(here)
  for (const page of [here, there]) {
    await expect(titles(page, 'Now')).toHaveText(['Shared by both', 'Written on the train'])
    await expect(page.getByLabel('Done: Shared by both')).toBeChecked()
    await expect(page.getByText('1 completed so far')).toBeVisible()
  }
})

test('the page opens with the server down, with the board and the edits made meanwhile', async ({
  server,
  newProfile,
}) => {
  const profile = await newProfile()
  let page = await profile.context.newPage()
  await page.goto(server.httpUrl)
  await addList(page, 'Now')
  await addTask(page, 'Now', 'Before')
  await untilSynced(page)
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))

  await server.stop()
  await expect(statusBar(page)).not.toHaveAttribute('data-connection', 'live')
  await page.reload()
  await expect(titles(page, 'Now')).toHaveText(['Before'])
  await addTask(page, 'Now', 'Meanwhile')
  await page.getByLabel('Done: Before').check()

  await profile.restart()
  page = await profile.context.newPage()
  await page.goto(server.httpUrl)
  await expect(titles(page, 'Now')).toHaveText(['Before', 'Meanwhile'])
  await expect(page.getByLabel('Done: Before')).toBeChecked()

  await server.start()
  await untilSynced(page)
  await expect(page.getByText('1 completed so far')).toBeVisible()
  const log = await readLog(server)
  expect(log.filter(({ path }) => path === 'board/stats/completed')).toHaveLength(1)

  const other = await (await newProfile()).context.newPage()
  await other.goto(server.httpUrl)
  await expect(titles(other, 'Now')).toHaveText(['Before', 'Meanwhile'])
})

test('the world is imported, searched in other languages, and read offline', async ({
  server,
  newProfile,
}) => {
  const profile = await newProfile()
  const page = await profile.context.newPage()
  await page.goto(`${server.httpUrl}/#/world`)
  await page.getByRole('button', { name: 'Import the world' }).click()
  await expect(page.getByText(/250 countries · 19,784 values/)).toBeVisible({ timeout: 30_000 })
  await untilSynced(page)
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))

  await server.stop()
  await page.reload()
  const names = page.locator('.countries .country-name')
  await page.getByLabel('Search countries by name').fill('Швейц')
  await expect(names).toHaveText([/^Switzerland/])
  await page.getByLabel('Search countries by name').fill('cote d')
  await expect(names.first()).toContainText('Ivory Coast')
  await page.locator('[data-letter="Z"]').click()
  await expect(names).toHaveText(['South Africa', 'Zambia', 'Zimbabwe'])

  await page.getByRole('link', { name: 'Zambia' }).click()
  const detail = page.getByRole('article', { name: 'Zambia' })
  await expect(detail).toContainText('Lusaka')
  await expect(detail).toContainText('Republic of Zambia')
  await expect(detail).toContainText('Sambia')

  await server.start()
  const other = await (await newProfile()).context.newPage()
  await other.goto(`${server.httpUrl}/#/world/CHE`)
  await expect(other.getByRole('article', { name: 'Switzerland' })).toContainText('Confederaziun svizra', {
    timeout: 30_000,
  })
})
