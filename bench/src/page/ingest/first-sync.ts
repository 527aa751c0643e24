import { createDust } from '@dustlayer/client'
import type { Session } from '../peers/peer.js'

/** Opens an instance that has nothing yet and waits until its replica holds the log up to `seq`. */
export async function firstSync(session: Session, instance: string, seq: number): Promise<number> {
  const start = performance.now()
  const dust = createDust({ url: session.url, token: session.token, name: instance })
  const store = dust.store(session.store)
  while ((await store.status()).lastStoreSeq < seq) await new Promise((resolve) => setTimeout(resolve, 5))
  const elapsed = performance.now() - start
  await dust.close()
  return elapsed
}
