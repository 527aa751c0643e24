import { OptionError } from '@dustlayer/protocol'
import { describe, expect, test } from 'vitest'
import { anInteger, aString, checkOptions, oneOf, requireOptions } from './options.js'

const rules = { ifMatch: anInteger, order: oneOf('asc', 'desc'), workerUrl: aString }

function messageOf(options: unknown): string {
  try {
    checkOptions('call', options, rules)
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError)
    return String(error)
  }
  return 'accepted'
}

describe('options', () => {
  test('known ones of the right kind, absent ones and undefined ones pass', () => {
    expect(messageOf(undefined)).toBe('accepted')
    expect(messageOf({})).toBe('accepted')
    expect(messageOf({ ifMatch: 3, order: 'desc', workerUrl: undefined })).toBe('accepted')
  })

  test.each([
    ['ifmatch', 'ifMatch'],
    ['if_match', 'ifMatch'],
    ['ordr', 'order'],
    ['workerURL', 'workerUrl'],
    ['worker_url', 'workerUrl'],
  ])('"%s" is refused, and "%s" named', (wrong, right) => {
    expect(messageOf({ [wrong]: 1 })).toContain(`Misspelled option "${wrong}" should be "${right}"`)
  })

  test('an option unlike any other is refused with the list of those there are', () => {
    expect(messageOf({ colour: 1 })).toContain('It knows "ifMatch", "order", "workerUrl".')
  })

  test('names that every object has are unknown like others', () => {
    expect(messageOf({ constructor: 1 })).toContain('has no option "constructor"')
  })

  test('a value of the wrong kind is refused with what it must be', () => {
    expect(messageOf({ order: 'up' })).toContain(`The option "order" of call must be 'asc' or 'desc'.`)
    expect(messageOf({ ifMatch: 1.5 })).toContain('must be an integer')
    expect(messageOf({ order: ['asc'] })).toContain('"order" of call must be')
    expect(messageOf('x')).toContain('must be an object')
  })

  test('required ones must be there', () => {
    expect(() => requireOptions('call', { a: 1 }, ['a', 'b'])).toThrow('call needs the option "b"')
  })
})
