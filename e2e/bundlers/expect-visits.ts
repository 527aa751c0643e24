import { expect, type Page } from '@playwright/test'
import type { ServerInfo } from '../support/server.js'

/** The starter works: it opens Dust, writes and reads on the disk, and finds its data again after a reload. */
export async function expectVisits(
  page: Page,
  origin: string,
  { url, token, store }: ServerInfo,
): Promise<void> {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  // Not `url`: Vite's development server gives that name a meaning of its own.
  const response = await page.goto(`${origin}/?${new URLSearchParams({ server: url, token, store })}`)
  // A page rendered on the server comes with its elements, so the client has been imported there too.
  expect(await response?.text()).toContain('<output></output>')
  const said = async () => ({ text: await page.locator('output').textContent(), complaints })
  await expect.poll(said).toEqual({ text: '1 in opfs', complaints: [] })
  await page.reload()
  await expect.poll(said).toEqual({ text: '2 in opfs', complaints: [] })
}
