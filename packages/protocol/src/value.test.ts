import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type JsonValue, parseJson } from './json.js'
import { compareUtf8 } from './path.js'
import { assemble, equalValues, flatten, isEnvelope, typeOf, unwrapScalar } from './value.js'

interface FlattenCase {
  id: string
  path: string
  value: JsonValue
  typed_envelope: boolean
  leaves?: { path: string; value: JsonValue; type: string; stored: JsonValue }[]
  error?: string
}

// The vectors are ours and of this shape.
const cases = parseJson(
  readFileSync(new URL('../vectors/dust-flatten.json', import.meta.url), 'utf8'),
) as unknown as FlattenCase[]

const documentedTag = (type: string, value: JsonValue) =>
  (type === 'string' && Array.isArray(value)) || type === 'map' ? typeOf(value) : type

describe('D07 dust-flatten', () => {
  it.each(cases)('$id', ({ path, value, typed_envelope, leaves, error }) => {
    expect(isEnvelope(value)).toBe(typed_envelope)
    if (error) {
      expect(() => flatten(path, value)).toThrow(expect.objectContaining({ code: error }))
      return
    }
    const sorted = flatten(path, value).sort((a, b) => compareUtf8(a.path, b.path))
    expect(sorted).toEqual(
      leaves?.map((leaf) => ({
        path: leaf.path,
        value: leaf.value,
        type: documentedTag(leaf.type, leaf.value),
      })),
    )
  })

  it.each(cases.filter(({ leaves }) => leaves))(
    '$id: the stored form of the reference unwraps',
    ({ leaves }) => {
      for (const leaf of leaves ?? []) expect(unwrapScalar(leaf.stored)).toEqual(leaf.value)
    },
  )
})

describe('assemble', () => {
  it('puts leaves back into the map they came from', () => {
    const map = { a: { b: 1, 'x/y': [1, { z: null }] }, '~': 'tilde', 'a-b': 2 }
    const leaves = flatten('root', map).sort((p, q) => compareUtf8(p.path, q.path))
    expect(assemble('root', leaves)).toEqual(map)
  })

  it('H03 lets descendants win over a scalar and join an envelope, without touching the stored value', () => {
    const envelope = { _type: 'file', hash: 'h' }
    const leaves = [
      { path: 'r/a', value: 1 },
      { path: 'r/a/b', value: 2 },
      { path: 'r/f', value: envelope },
      { path: 'r/f/note', value: 'n' },
    ]
    expect(assemble('r', leaves)).toEqual({ a: { b: 2 }, f: { _type: 'file', hash: 'h', note: 'n' } })
    expect(envelope).toEqual({ _type: 'file', hash: 'h' })
  })

  it('treats keys that objects inherit as ordinary keys', () => {
    const leaves = [
      { path: 'r/__proto__/polluted', value: true },
      { path: 'r/constructor', value: 1 },
    ]
    const map = assemble('r', leaves)
    expect(Object.keys(map)).toEqual(['__proto__', 'constructor'])
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })
})

describe('equalValues', () => {
  it('compares strictly and deeply', () => {
    expect(equalValues({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toBe(true)
    expect(equalValues(1, '1')).toBe(false)
    expect(equalValues([1, 2], [2, 1])).toBe(false)
    expect(equalValues({ a: 1 }, { a: 1, b: 2 })).toBe(false)
    expect(equalValues({ toString: 1 }, { other: 1 })).toBe(false)
  })
})
