import { OptionError } from '@dustlayer/protocol'

const NAME = /^[^/\s]+\/[^/\s]+$/u
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** Keeps the name of the local database file below the limit of SQLite's OPFS pool. */
const LONGEST_NAME = 120

/**
 * A store's name as given: `org/name`, or the store's UUID.
 * @throws OptionError when it is neither.
 */
export function checkStoreName(name: unknown): string {
  if (typeof name === 'string' && name.length <= LONGEST_NAME && (NAME.test(name) || UUID.test(name)))
    return name
  throw new OptionError(
    `A store is named "org/name" (at most ${LONGEST_NAME} characters, one slash, no spaces), but this is ${JSON.stringify(name)}.`,
    { option: 'store' },
  )
}
