import { type Entry, type EntryType, type JsonValue, parsePattern } from '@dustlayer/protocol'
import { createModelStore } from '@dustlayer/protocol/testing'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { SqliteDriver } from './driver.js'
import type { LocalOp } from './local-op.js'
import { anyStep, loneStep } from './testing/random-steps.js'
import { createRun, type Run, type RunOptions, type Step } from './testing/run.js'
import type { EntryData } from './visible.js'

// Every run counts, also on a machine that has much else to do.
vi.setConfig({ testTimeout: 180_000 })

function check(
  steps: fc.Arbitrary<Step>,
  options: { readonly runs: number; readonly maxLength: number; readonly batches?: boolean },
  body: (run: Run, steps: readonly Step[]) => void,
): void {
  const batches = options.batches === undefined ? fc.boolean() : fc.constant(options.batches)
  const runOptions: fc.Arbitrary<RunOptions> = fc.record({ batches })
  fc.assert(
    fc.property(
      fc.array(steps, { maxLength: options.maxLength, size: 'max' }),
      runOptions,
      (actions, chosen) => {
        const run = createRun(chosen)
        body(run, actions)
        run.driver.close()
      },
    ),
    { numRuns: options.runs },
  )
}

const rows = (driver: SqliteDriver): Entry[] =>
  driver.all('select path, value, type, seq from entries order by path').map(([at, text, type, seq]) => ({
    path: at as string,
    value: JSON.parse(text as string) as JsonValue,
    type: type as EntryType,
    seq: seq as number,
  }))

/** I1, I6: the confirmed rows are the fold of the server's log up to the cursor, and nothing else. */
function expectConfirmedIsFold({ followed, driver, replica }: Run): void {
  const fold = createModelStore()
  for (const event of followed()) if (event.seq <= replica().sync.cursor()) fold.replay(event)
  expect(rows(driver)).toEqual(fold.entries())
}

/** I2: what a reader sees is the outbox folded over the confirmed rows, whatever way it came about. */
function expectVisibleIsFold({ driver, replica }: Run): void {
  const fold = createModelStore(rows(driver))
  for (const { op, path, value, opId } of replica().export().outbox) fold.apply({ op, path, value, opId })
  const visible = replica().enum(parsePattern('**')).items as EntryData[]
  expect(visible.map(({ path, value }) => ({ path, value }))).toEqual(
    fold.entries().map(({ path, value }) => ({ path, value })),
  )
  for (const at of ['a', 'b', 'a/b', 'a/b/c']) expect(replica().get(at)).toEqual(fold.read(at))
}

/** The refused writes that nobody has dealt with, and no others. */
function expectInbox({ replica, refused }: Run): void {
  expect(
    replica()
      .rejections()
      .map(({ opId }) => opId),
  ).toEqual(refused)
}

/** What has become of an op, or of the one that took its place. */
function fate(run: Run, { opId }: LocalOp): string | undefined {
  return run.replica().verdict(opId)?.state
}

describe('replica invariants over random interleavings', () => {
  it('I1, I2, I6: confirmed is the fold of the log, visible is the outbox folded over it', () => {
    check(anyStep, { runs: 150, maxLength: 40 }, (run, steps) => {
      for (const action of steps) {
        run.perform(action)
        expectConfirmedIsFold(run)
        expectVisibleIsFold(run)
        expectInbox(run)
      }
      expect(run.replica().check()).toMatchObject({ ok: true, problemCount: 0 })
    })
  })

  it('I3: ops reach the server in issue order, take effect once, and none is left behind', () => {
    check(anyStep, { runs: 250, maxLength: 60 }, (run, steps) => {
      for (const action of steps) run.perform(action)
      run.settle()
      expect(run.replica().pending().count).toBe(0)
      const { replaced, unsendable, lost } = run
      const sent = run.issued.filter(({ opId }) => !replaced.has(opId) && !unsendable.has(opId))
      expect(run.world.arrived).toEqual(sent.map(({ opId }) => opId))
      const effects = run.world.log.filter(({ opId }) => opId.startsWith('own-')).map(({ opId }) => opId)
      expect(new Set(effects).size).toBe(effects.length)
      for (const op of sent) {
        const committed = effects.includes(op.opId) || lost.has(op.opId)
        expect(fate(run, op)).toBe(committed ? 'committed' : 'rejected')
      }
      expectConfirmedIsFold(run)
      expectVisibleIsFold(run)
      expectInbox(run)
    })
  })

  it('an op whose place another took gets the verdict of that one, and every verdict is told', () => {
    check(anyStep, { runs: 250, maxLength: 60 }, (run, steps) => {
      for (const action of steps) run.perform(action)
      run.settle()
      for (const [opId, by] of run.replaced) {
        expect(run.replica().verdict(opId)).toEqual(run.replica().verdict(by))
      }
      const told = new Map(run.verdicts)
      for (const op of run.issued) expect(told.get(op.opId)?.state).toBe(fate(run, op))
      if (!steps.some((action) => action.kind === 'restore')) expect(told.size).toBe(run.verdicts.length)
    })
  })

  it('I5: where nobody else writes, no op conflicts with the client’s own', () => {
    check(loneStep, { runs: 250, maxLength: 60, batches: true }, (run, steps) => {
      for (const action of steps.filter(recognisesOwnOps)) run.perform(action)
      run.settle()
      expect(run.refused).toEqual([])
      for (const op of run.issued) expect(fate(run, op)).toBe('committed')
    })
  })
})

/** A snapshot does not name the ops in it: those whose answers were lost show twice until they are answered again. */
function recognisesOwnOps(step: Step): boolean {
  return step.kind !== 'snapshot' && (step.kind !== 'stage' || step.fromLog)
}
