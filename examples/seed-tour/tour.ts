import { ConflictError, type Dust } from '@dustlayer/client'

/** Told what each step gave: a page shows it, a test checks it. */
export type Show = (step: string, result: unknown) => void

/** The calls of the Dust introduction, once, in its order. `store` is a name such as `org/store`. */
export async function tour(dust: Dust, store: string, show: Show): Promise<void> {
  // Write. The promise resolves when the write is durable in this browser, online or not …
  const write = await dust.put(store, 'users/alice', { name: 'Alice', role: 'admin' })
  // … and `committed` when the server has accepted it, which gives the revision.
  show('put', await write.committed)

  // Read, at once, from the local replica. Where a map was written, the whole map is read.
  show('get', await dust.get(store, 'users/alice'))

  // Delete. A path that holds nothing reads as undefined; null would be a value.
  await dust.delete(store, 'users/alice')
  show('delete', await dust.get(store, 'users/alice'))

  // Merge: update children without replacing their siblings.
  await dust.put(store, 'users/alice', { name: 'Alice', role: 'admin' })
  await dust.merge(store, 'users/alice', { role: 'superadmin' })
  show('merge', await dust.get(store, 'users/alice'))

  // Enum: * is one segment, so this lists the users, each put together from its leaves.
  const users = await dust.enum(store, 'users/*')
  show(
    'enum',
    users.items.map((user) => ({ path: user.path, value: user.value })),
  )

  // Paginated enum: ** is everything below, so this lists leaves. `after` continues where a page ended.
  const page = await dust.enum(store, 'users/**', { limit: 20, order: 'desc' })
  show('paged enum', { paths: page.items.map((leaf) => leaf.path), nextCursor: page.nextCursor })

  // Batch read. What does not exist is left out.
  show('getMany', await dust.getMany(store, ['users/alice', 'users/bob']))

  // Range read [from, to). A dot means nothing special: each of these paths is one segment.
  for (const day of ['2026-03-31', '2026-04-01', '2026-04-29', '2026-04-30']) {
    await dust.put(store, `logs.${day}`, `what happened on ${day}`)
  }
  const april = await dust.range(store, 'logs.2026-04-01', 'logs.2026-04-30')
  show(
    'range',
    april.items.map((log) => log.path),
  )

  // Compare-and-swap: write only if nobody else did since we looked. It works on leaves. A map is several
  // leaves with a revision each, so there is no one revision to compare, and `users/alice` as a whole would be
  // refused with the code if_match_multi_leaf.
  const role = 'users/alice/role'
  await (await dust.put(store, role, 'editor')).committed
  const entry = await dust.entry(store, role)
  const swap = async (value: string): Promise<'saved' | 'conflict'> => {
    try {
      const write = await dust.put(store, role, value, { ifMatch: entry?.revision ?? 0 })
      await write.committed
      return 'saved'
    } catch (error) {
      if (error instanceof ConflictError) return 'conflict'
      throw error
    }
  }
  show('compare-and-swap', await swap('owner'))
  show('compare-and-swap with an old revision', await swap('guest'))

  // Freshness: `syncedAt` is the local clock, in ms, when this browser last got the leaf from the server. It is
  // null for maps, whose leaves may have come at different times.
  const synced = await dust.entry(store, role)
  show('age in ms', synced?.syncedAt ? Date.now() - synced.syncedAt : null)

  // Subscribe to changes, by pattern.
  const changes: unknown[] = []
  const off = dust.on(store, 'users/*', (event) => changes.push([event.path, event.value]))
  await (await dust.put(store, 'users/bob', { name: 'Bob' })).committed
  off()
  show('on', changes)
}
