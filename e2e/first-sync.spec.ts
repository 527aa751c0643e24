import type { Frame } from './support/link.js'
import { connectRaw } from './support/raw-client.js'
import { expect, test, untilSynced } from './support/test.js'

const MAPS = 100
const LEAVES_PER_MAP = 1000

/** How many events of the log a frame brings. */
function eventsIn([, , , event, payload]: Frame): number {
  if (event === 'events') return (payload.events as unknown[]).length
  return event === 'event' ? 1 : 0
}

test('a first sync of 100,000 leaves completes, is readable on the way, and is not repeated by a reload', async ({
  server,
  link,
  newProfile,
  newTab,
}) => {
  const writer = await connectRaw(server, 'e2e-writer')
  await writer.push('phx_join', { last_store_seq: 0 })
  const written = Array.from({ length: MAPS }, async (_, map) => {
    const value = Object.fromEntries(
      Array.from({ length: LEAVES_PER_MAP }, (_, leaf) => [`item-${leaf}`, `${map}.${leaf}`]),
    )
    const path = `bulk/map-${String(map).padStart(2, '0')}`
    return writer.push('write', { op: 'set', path, value, client_op_id: `seed-${map}` })
  })
  for (const reply of await Promise.all(written)) expect(reply.status).toBe('ok')
  writer.close()

  // Half-way the wire stops, so that "during the first sync" is a state and not a moment.
  let events = 0
  link.hold((frame) => {
    events += eventsIn(frame)
    return events > MAPS / 2
  })
  const page = await newTab(await newProfile(), { url: link.url })
  const leaf = (map: number) =>
    page.evaluate((path) => window.store.get(path), `bulk/map-${String(map).padStart(2, '0')}/item-999`)
  await expect.poll(() => leaf(0)).toBe('0.999')
  expect(await leaf(MAPS - 1)).toBeUndefined()
  expect(await page.evaluate(() => window.store.status())).toMatchObject({ connection: 'catching-up' })

  link.release()
  await untilSynced(page)
  const count = await page.evaluate(async () => {
    const page = await window.store.enum('bulk/**', { select: 'keys' })
    return page.items.length
  })
  expect(count).toBe(MAPS * LEAVES_PER_MAP)
  expect(await leaf(MAPS - 1)).toBe(`${MAPS - 1}.999`)

  const before = link.sockets.length
  await page.reload()
  expect(await leaf(MAPS - 1)).toBe(`${MAPS - 1}.999`)
  await untilSynced(page)
  const afterReload = link.sockets.slice(before)
  expect(afterReload).toHaveLength(1)
  expect(afterReload.flatMap((socket) => socket.received).filter((frame) => eventsIn(frame) > 0)).toEqual([])
})
