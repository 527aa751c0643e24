import { printOfValue } from './fingerprint.js'

/**
 * What an instance's locks, channels and files are named by. Another server or another user is another instance: one
 * never shows what belongs to the other, nor sends what was written for it (docs/decisions/0118).
 */
export function instanceKey(name: string, url: string, user: string | undefined): string {
  const { protocol, host, pathname, search } = new URL(url)
  const address = `${protocol}//${host}${pathname.replace(/\/+$/, '')}${search}`
  return `${name}-${printOfValue([address, user ?? null]).toString(36)}`
}
