import { printOfValue } from './fingerprint.js'
import type { StorageMode } from './storage/open-storage.js'

/**
 * What an instance's locks, channels and files are named by. Another server or another user is another instance: one
 * never shows what belongs to the other, nor sends what was written for it (docs/decisions/0118). So is one in memory
 * by choice: what one tab must not keep on this device, another must not take for kept (docs/decisions/0157).
 */
export function instanceKey(
  name: string,
  url: string,
  user: string | undefined,
  storage: StorageMode = 'auto',
): string {
  const { protocol, host, pathname, search } = new URL(url)
  const address = `${protocol}//${host}${pathname.replace(/\/+$/, '')}${search}`
  const key = `${name}-${printOfValue([address, user ?? null]).toString(36)}`
  return storage === 'memory' ? `${key}-memory` : key
}
