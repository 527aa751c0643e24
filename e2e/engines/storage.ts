import { expect } from '@playwright/test'
import type { Frame } from './tab.js'
import type { World } from './world.js'

export type Circumstance = 'ordinary' | 'private' | 'third-party' | 'blocked'

/** Where each engine, as it runs here, lets the replica be kept; docs/browsers.md says it too. */
const RUNGS = {
  chromium: { ordinary: 'opfs', private: 'opfs', 'third-party': 'opfs', blocked: 'memory' },
  firefox: { ordinary: 'opfs', private: 'indexeddb', 'third-party': 'opfs', blocked: 'memory' },
  webkit: {
    ordinary: 'indexeddb',
    private: 'indexeddb',
    'third-party': 'indexeddb',
    // It has no such choice.
    blocked: 'indexeddb',
  },
} as const

/** Compares what status says with what this engine can do, and with what the page asked for. */
export async function expectStorage(
  { engine, storage: choice }: World,
  page: Frame,
  circumstance: Circumstance,
): Promise<void> {
  const storage = await storageOf(page)
  const best = RUNGS[engine.name][circumstance]
  const kind = choice === 'auto' || best === 'memory' ? best : choice
  expect(storage).toMatchObject({ kind })
  // Why it is not the best one, unless that is what the page asked for.
  if (kind === 'opfs' || kind === choice) expect(storage.reason).toBeUndefined()
  else expect(storage.reason).toContain(choice === 'auto' ? 'opfs' : choice)
}

function storageOf(page: Frame) {
  return page.run(async () => (await window.store.status()).storage as { kind: string; reason?: string })
}

/** Whether a write that was acknowledged, and not yet sent, is there after the page was loaded again. */
export async function keepsWrites(page: Frame): Promise<boolean> {
  return (await storageOf(page)).kind !== 'memory'
}
