/** The last thing that a file threw while SQLite used it: SQLite itself only says that there was an error. */
export interface IoErrors {
  note(error: Error): void
  /** Gives the error, once. */
  take(): Error | undefined
}

export function createIoErrors(): IoErrors {
  let last: Error | undefined
  return {
    note(error) {
      last = error
    },
    take() {
      const error = last
      last = undefined
      return error
    },
  }
}
