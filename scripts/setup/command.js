import { spawn } from 'node:child_process'

/**
 * What a finished command left behind.
 * @typedef {object} CommandResult
 * @property {number} code exit code; 127 when the command could not be started, 128 when a signal ended it
 * @property {string} output stdout and stderr, in the order they arrived
 */

/**
 * @typedef {object} CommandOptions
 * @property {string} [cwd]
 * @property {Record<string, string | undefined>} [env] added to the environment; undefined removes a variable
 * @property {boolean} [stream] also show the output while it arrives
 * @property {number} [timeoutMs] end the command after this long
 */

/**
 * Runs a command to its end, without stdin, and never throws: the caller judges the exit code.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<CommandResult>}
 */
export function runCommand(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Passing 0 is Node's way to say "no limit".
      timeout: options.timeoutMs ?? 0,
      killSignal: 'SIGKILL',
    })
    let output = ''
    for (const [source, target] of /** @type {const} */ ([
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ])) {
      source.setEncoding('utf8')
      source.on('data', (/** @type {string} */ text) => {
        output += text
        if (options.stream) target.write(text)
      })
    }
    child.on('error', (error) => resolve({ code: 127, output: `${output}${error.message}\n` }))
    child.on('close', (code) => resolve({ code: code ?? 128, output }))
  })
}
