import { ancestorsOf, type Effect } from '@dustlayer/protocol'
import type { LocalOp } from './local-op.js'
import type { Outbox, PendingOp } from './outbox.js'
import { createOverlay, type OverlayView } from './overlay.js'

/**
 * The outbox folded over the confirmed state. What went stale is folded anew when somebody looks, so that a burst
 * of echoes for one path costs one fold and not one each.
 */
export interface PendingFold {
  readonly view: OverlayView
  /** An op with these effects on what is visible now is about to be appended to the outbox. */
  add(opId: string, effects: readonly Effect[]): void
  /** The confirmed state or the outbox has changed at the path or below it. */
  invalidate(path: string): void
  /** Everything may have changed. */
  rebuild(): void
}

/** An op on a set. */
export type MemberOp = LocalOp & { readonly op: 'add' | 'remove' }

/** Ops on the set at one path, one after the other: with thousands of them, each by itself would take too long. */
export type MemberRun = readonly [MemberOp, ...MemberOp[]]

/** These say what an op, or a run of them, does to what is visible at the moment. */
export function createPendingFold(
  outbox: Outbox,
  effectsOf: (op: LocalOp) => readonly Effect[],
  effectsOfRun: (run: MemberRun) => readonly Effect[],
): PendingFold {
  const overlay = createOverlay()
  let stale = new Set<string>()

  /** Folds the ops that touch the stale subtrees anew onto the confirmed state, in issue order. */
  const refresh = (): void => {
    if (stale.size === 0) return
    const paths = stale
    // From here on the fold itself may look.
    stale = new Set()
    const roots = [...paths].filter((path) => !ancestorsOf(path).some((above) => paths.has(above)))
    try {
      for (const root of roots) overlay.forget(root)
      for (const root of roots) {
        for (const { run, op } of inRuns(outbox.touching(root))) {
          overlay.applyWithin(root, run ? effectsOfRun(run) : effectsOf(op), op.opId)
        }
      }
    } catch (error) {
      // What could not be read now is folded when somebody looks again.
      stale = paths
      throw error
    }
  }

  return {
    view: {
      get empty() {
        refresh()
        return overlay.empty
      },
      at(path) {
        refresh()
        return overlay.at(path)
      },
      paths() {
        refresh()
        return overlay.paths()
      },
    },
    add(opId, effects) {
      refresh()
      overlay.apply(effects, opId)
    },
    invalidate: (path) => void stale.add(path),
    rebuild() {
      stale.clear()
      overlay.clear()
      for (const { op } of outbox.all()) overlay.apply(effectsOf(op), op.opId)
    },
  }
}

/** Ops in their order, runs in place of the ops they consist of. `op`: the last one. */
function* inRuns(
  pending: readonly PendingOp[],
): Generator<{ readonly op: LocalOp; readonly run?: MemberRun }> {
  let run: [MemberOp, ...MemberOp[]] | undefined
  for (const { op } of pending) {
    if (run && !(isMemberOp(op) && op.path === run[0].path)) {
      yield { op: run.at(-1) ?? run[0], run }
      run = undefined
    }
    if (!isMemberOp(op)) yield { op }
    else if (run) run.push(op)
    else run = [op]
  }
  if (run) yield { op: run.at(-1) ?? run[0], run }
}

function isMemberOp(op: LocalOp): op is MemberOp {
  return op.op === 'add' || op.op === 'remove'
}
