/**
 * Shows one line for each step: its title at once, the seconds it took when it ends.
 * @typedef {object} Progress
 * @property {boolean} verbose whether commands should stream their output
 * @property {<T>(title: string, body: () => Promise<T>) => Promise<T>} step
 * @property {(text: string) => void} note a line between steps
 */

/**
 * @param {{ verbose: boolean, write?: (text: string) => void }} options
 * @returns {Progress}
 */
export function createProgress({ verbose, write = (text) => process.stdout.write(text) }) {
  return {
    verbose,
    note: (text) => write(`${text}\n`),
    async step(title, body) {
      const startedAt = performance.now()
      const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
      // With streamed output between them, title and time need a line each.
      write(verbose ? `> ${title}\n` : `> ${title} ... `)
      try {
        const result = await body()
        write(verbose ? `  ${title}: ${seconds()}\n` : `${seconds()}\n`)
        return result
      } catch (error) {
        write(verbose ? `  ${title}: failed after ${seconds()}\n` : `failed after ${seconds()}\n`)
        throw error
      }
    },
  }
}
