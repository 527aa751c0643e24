import { createDust } from '@dustlayer/client'
import { get, set } from 'idb-keyval'
import type { Session } from './peers/peer.js'

/** Milliseconds from the call that opens the library. */
export interface FirstPaint {
  readonly first: number
  readonly real: number
}

const QUERY = 'board/*'
const CARDS = 50

function board(): [string, { title: string; text: string }][] {
  return Array.from({ length: CARDS }, (_, i) => [`card-${i}`, { title: `Card ${i}`, text: 'x'.repeat(200) }])
}

/** Makes what later pages show first. */
export async function prepareFirstPaint(
  { url, token, store: name }: Session,
  instance: string,
): Promise<void> {
  const dust = createDust({ url, token, name: instance })
  const store = dust.store(name)
  await store.merge('board', Object.fromEntries(board())).committed
  await new Promise<void>((resolve) => {
    const off = store.live(
      QUERY,
      ({ nodes, stale }) => {
        if (stale || nodes.length < CARDS || nodes.some(({ pending }) => pending)) return
        off()
        resolve()
      },
      { stale: 'allow' },
    )
  })
  await dust.close()
  await set('first-paint', board())
}

/** In a page that has not opened it before. */
export async function firstPaint(
  { url, token, store: name }: Session,
  instance: string,
): Promise<FirstPaint> {
  const start = performance.now()
  const dust = createDust({ url, token, name: instance })
  let first: number | undefined
  const times = await new Promise<FirstPaint>((resolve) => {
    dust.store(name).live(
      QUERY,
      ({ nodes, stale }) => {
        if (nodes.length < CARDS) throw new Error('The board was not there.')
        const elapsed = performance.now() - start
        first ??= elapsed
        if (!stale) resolve({ first, real: elapsed })
      },
      { stale: 'allow' },
    )
  })
  await dust.close()
  return times
}

/** The same data, read with idb-keyval in a page that has not opened it before. */
export async function bareFirstPaint(): Promise<number> {
  const start = performance.now()
  const cards = await get<unknown[]>('first-paint')
  if (cards?.length !== CARDS) throw new Error('The board was not there.')
  return performance.now() - start
}
