/** Set-up cannot go on. The message is one sentence that says what a person can do about it. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {string} [output] what the failing command printed
   */
  constructor(message, output = '') {
    super(message)
    this.name = 'SetupError'
    this.output = output
  }
}
