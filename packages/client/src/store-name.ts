import { OptionError } from '@dustlayer/protocol'

const NAME = /^[^/\s]+\/[^/\s]+$/u
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const LONGEST_NAME = 120
/** SQLite's OPFS pool takes file names of 512 bytes, with what is put around the encoded name. */
const LONGEST_ENCODED_NAME = 480

/**
 * A store's name as given: `org/name`, or the store's UUID.
 * @throws OptionError when it is neither.
 */
export function checkStoreName(name: unknown): string {
  if (
    typeof name === 'string' &&
    name.length <= LONGEST_NAME &&
    (NAME.test(name) || UUID.test(name)) &&
    isFileName(name)
  ) {
    return name
  }
  throw new OptionError(
    `A store is named "org/name" (at most ${LONGEST_NAME} characters, fewer if not ASCII, one slash, no spaces), but this is ${JSON.stringify(name)}.`,
    { option: 'store' },
  )
}

/** The database file is named after the store; half a surrogate pair cannot be encoded at all. */
function isFileName(name: string): boolean {
  try {
    return encodeURIComponent(name).length <= LONGEST_ENCODED_NAME
  } catch {
    return false
  }
}
