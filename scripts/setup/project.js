import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder that holds the root package.json. */
export const projectRoot = fileURLToPath(new URL('../../', import.meta.url))

/**
 * The parts of package.json that set-up reads.
 * @typedef {object} Manifest
 * @property {string} packageManager
 * @property {{ node: string }} engines
 */

/** @returns {Manifest} */
export function readManifest() {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
}
