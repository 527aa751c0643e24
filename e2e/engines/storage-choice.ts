/** What a page can ask for, and what docs/browsers.md calls it. */
export const CHOICES = {
  auto: 'the best there is',
  indexeddb: 'on IndexedDB',
  memory: 'on memory',
} as const

export type StorageChoice = keyof typeof CHOICES
