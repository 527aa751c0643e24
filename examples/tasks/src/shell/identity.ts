/** Who writes from this window. Every window is somebody of its own: two tabs of one person are two writers. */
export interface Identity {
  readonly id: string
  readonly name: string
  /** Hue of the person's colour, in degrees. */
  readonly hue: number
}

const TRAITS = [
  'Amber',
  'Brisk',
  'Calm',
  'Dapper',
  'Eager',
  'Gentle',
  'Jolly',
  'Lucky',
  'Nimble',
  'Quiet',
  'Sunny',
  'Witty',
]
const ANIMALS = [
  'Otter',
  'Heron',
  'Fox',
  'Badger',
  'Finch',
  'Hare',
  'Lynx',
  'Marten',
  'Newt',
  'Owl',
  'Seal',
  'Wren',
]

/** A new window's identity; `random` gives numbers from 0 up to 1. */
export function createIdentity(id: string, random: () => number): Identity {
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? ''
  return { id, name: `${pick(TRAITS)} ${pick(ANIMALS)}`, hue: Math.floor(random() * 360) }
}

/** A short id for lists, tasks and windows: enough that two devices never choose the same. */
export function newId(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, 16)
}
