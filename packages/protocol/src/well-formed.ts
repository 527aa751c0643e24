const ANY_SURROGATE = /[\ud800-\udfff]/
const LONE_SURROGATE = /\p{Surrogate}/u

/** Whether a text can be sent at all: unpaired UTF-16 surrogates have no UTF-8 form. */
export function isWellFormed(text: string): boolean {
  // The first test is cheap, and nearly always all that is needed.
  return !(ANY_SURROGATE.test(text) && LONE_SURROGATE.test(text))
}
