import { OptionError } from '@dustlayer/protocol'

/** What an option must be; the description completes "must be …". */
export interface OptionRule {
  readonly must: string
  readonly test: (value: unknown) => boolean
}

/** The options a call knows. */
export type OptionRules = { readonly [name: string]: OptionRule }

export const anInteger: OptionRule = { must: 'an integer', test: Number.isSafeInteger }
export const aRevision: OptionRule = {
  must: 'a revision, as `entry` gives it (an integer, 0 or more)',
  test: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
}
export const aString: OptionRule = { must: 'a string', test: (value) => typeof value === 'string' }
export const aBoolean: OptionRule = { must: 'true or false', test: (value) => typeof value === 'boolean' }
export const aSignal: OptionRule = { must: 'an AbortSignal', test: (value) => value instanceof AbortSignal }
export const anything: OptionRule = { must: 'given', test: () => true }
export const aFunction: OptionRule = { must: 'a function', test: (value) => typeof value === 'function' }
export const aDuration: OptionRule = {
  must: 'a whole number of milliseconds, 1 or more',
  test: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
}

export function orNull({ must, test }: OptionRule): OptionRule {
  return { must: `${must}, or null`, test: (value) => value === null || test(value) }
}

export function oneOf(...allowed: readonly string[]): OptionRule {
  return {
    must: allowed.map((name) => `'${name}'`).join(' or '),
    test: (value) => typeof value === 'string' && allowed.includes(value),
  }
}

/**
 * Refuses options that are unknown or of the wrong kind. An option that is undefined is as good as left out.
 * @throws OptionError that names the option, and the one that was probably meant.
 */
export function checkOptions(call: string, options: unknown, rules: OptionRules): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError(`The options of ${call} must be an object.`)
  }
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (!rule) throw unknownOption(call, name, Object.keys(rules))
    if (value !== undefined && !rule.test(value)) {
      throw new OptionError(`The option "${name}" of ${call} must be ${rule.must}.`, { option: name })
    }
  }
}

/** @throws OptionError unless all of them are there. */
export function requireOptions(call: string, options: object, names: readonly string[]): void {
  for (const name of names) {
    if (Reflect.get(options, name) === undefined) {
      throw new OptionError(`${call} needs the option "${name}".`, { option: name })
    }
  }
}

function unknownOption(call: string, name: string, known: readonly string[]): OptionError {
  const meant = closest(name, known)
  const hint =
    meant === undefined
      ? `It knows ${known.map((option) => `"${option}"`).join(', ')}.`
      : `Misspelled option "${name}" should be "${meant}".`
  return new OptionError(
    `${call} has no option "${name}". ${hint}`,
    meant === undefined ? { option: name } : { option: name, meant },
  )
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z]/g, '')

/** The option that differs least, if it differs little: in case and separators, or in a third of its letters. */
function closest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const option of known) {
    const distance = editDistance(plain(name), plain(option))
    if (distance < least && distance <= Math.max(1, option.length / 3)) {
      best = option
      least = distance
    }
  }
  return best
}

/** Letters to insert, delete or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
