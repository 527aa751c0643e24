/**
 * Something is stored by a leader of a later epoch, perhaps one whose clock was ahead. Whoever leads by right begins
 * anew with a later one; another rung would be without what is stored here.
 */
export class LaterEpochError extends Error {
  override readonly name = 'LaterEpochError'

  readonly epoch: number

  constructor(epoch: number) {
    super(`What is stored here was written by a later leader (epoch ${epoch}).`)
    this.epoch = epoch
  }
}
