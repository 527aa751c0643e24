import { eventEffects } from '@dustlayer/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import type { LocalOp } from './local-op.js'
import { createOutbox, type Outbox } from './outbox.js'
import { createPendingFold, type PendingFold } from './pending-fold.js'
import { openSchema } from './schema.js'
import { openBetterSqlite } from './testing/better-sqlite.js'

describe('the fold of pending ops', () => {
  let outbox: Outbox
  let fold: PendingFold
  let folded: string[]
  let runs: string[][]
  beforeEach(() => {
    const driver = openBetterSqlite()
    openSchema(driver, 'o/s')
    outbox = createOutbox(driver, () => undefined)
    folded = []
    runs = []
    fold = createPendingFold(outbox, effectsOf, (run) => {
      runs.push(run.map(({ opId }) => opId))
      return [{ kind: 'put', path: run[0].path, value: runs.length, type: 'set' }]
    })
  })

  const effectsOf = (op: LocalOp) => {
    folded.push(op.opId)
    return eventEffects(op)
  }

  const issue = (opId: string, path: string, value: LocalOp['value'] = opId, name: LocalOp['op'] = 'set') => {
    const op: LocalOp = { op: name, path, value, opId }
    fold.add(opId, effectsOf(op))
    outbox.append(op, { waitsFor: null, issuedAt: 0 })
  }

  it('folds anew once, and when somebody looks, however often a path went stale', () => {
    for (const opId of ['1', '2', '3']) issue(opId, 'a/b')
    issue('4', 'c')
    folded.length = 0
    for (let echoes = 0; echoes < 100; echoes++) fold.invalidate('a/b')
    fold.invalidate('a/b/c')
    expect(folded).toEqual([])
    expect(fold.view.at('a/b')?.value).toBe('3')
    expect(fold.view.paths()).toEqual(['a/b', 'c'])
    expect(folded).toEqual(['1', '2', '3'])
  })

  it('folds ops on one set that follow one another as one, and keeps their order with others', () => {
    for (const opId of ['1', '2', '3']) issue(opId, 'a/set', opId, opId === '2' ? 'remove' : 'add')
    issue('4', 'a/other', 'x', 'add')
    issue('5', 'a/set', [])
    issue('6', 'a/set', 'y', 'add')
    folded.length = 0
    fold.invalidate('a')
    expect(fold.view.at('a/set')).toMatchObject({ value: 3, opId: '6' })
    expect(fold.view.at('a/other')).toMatchObject({ value: 2, opId: '4' })
    expect([runs, folded]).toEqual([[['1', '2', '3'], ['4'], ['6']], ['5']])
  })

  it('shows an op once that is issued while its path is stale', () => {
    issue('1', 'a', { x: 1 })
    outbox.remove('1')
    fold.invalidate('a')
    folded.length = 0
    issue('2', 'a/x')
    expect(fold.view.paths()).toEqual(['a/x'])
    expect(folded).toEqual(['2'])
  })

  it('keeps a path hidden that a later op at an ancestor has deleted, however it is folded anew', () => {
    issue('1', 'a/b')
    issue('2', 'a/b')
    issue('3', 'a', {})
    outbox.remove('1')
    fold.invalidate('a/b')
    expect(fold.view.at('a/b')).toBeNull()
    expect(fold.view.paths()).toEqual([])
  })
})
