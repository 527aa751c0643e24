/** The part of an AbortSignal that is used; written out because this package knows no browser types. */
export interface AbortSignalLike {
  readonly aborted: boolean
  /** What the waiting promise rejects with. */
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}
