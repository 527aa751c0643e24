import {
  descendantRange,
  type Effect,
  equalValues,
  isAncestor,
  type OpName,
  type StoreEventPayload,
} from '@dustlayer/protocol'
import { type PathChange, pathChanges, sameLeaf, type Wanted } from './consequences.js'
import type { DustEvent } from './events.js'
import { effectsOnFold, type FoldedLeaf } from './fold-event.js'
import { type Interest, isAboutNode, wantedInMode } from './interest.js'
import type { LocalOp } from './local-op.js'
import type { Outbox, PendingOp } from './outbox.js'
import { createPathTrie } from './path-trie.js'
import { meeting, type Reach, reachOf } from './reach.js'
import type { Visible } from './visible.js'

/** What is visible at a path, and the own op because of which that has to be said. */
export interface Correction extends PathChange {
  readonly opId: string
}

/**
 * Finds where what subscribers in mode `all` make of a transaction's events is not what is visible after it.
 *
 * That can only be where pending ops and the server's word meet: in the parts that an op which leaves the outbox
 * has touched, and where an event touches what a pending op has touched. Those regions are kept as the subscribers
 * know them: as visible before the transaction, then as the events say. At its end they are compared.
 */
export interface Corrections {
  /** These events are about to be applied. */
  expectEvents(events: readonly StoreEventPayload[]): void
  /** The confirmed state is about to be replaced. */
  expectEverything(): void
  /** The op is about to leave the outbox, because of no event. */
  expectLeaving(op: LocalOp): void
  /** The op leaves the outbox. */
  settling(op: LocalOp): void
  /** The event goes out. */
  told(event: DustEvent): void
  /** What has to be said at the end of the transaction; forgets it. */
  take(): Correction[]
  clear(): void
}

interface CorrectionsContext {
  readonly visible: Visible
  readonly outbox: Outbox
  readonly interest: Interest
}

/** A part of the store that is compared, and the op because of which it is. */
interface Region {
  readonly opId: string
  readonly deep: boolean
}

interface LeafAt extends FoldedLeaf {
  readonly path: string
}

/** Ops whose effects do not depend on what they find. */
const AS_ISSUED: ReadonlySet<OpName> = new Set(['set', 'delete', 'merge'])

export function createCorrections({ visible, outbox, interest }: CorrectionsContext): Corrections {
  /** By their topmost paths. */
  const regions = createPathTrie<Region>()
  /** The leaves in the regions as they have been told. */
  const known = createPathTrie<FoldedLeaf>()
  /** Where not all who listen know the same: an op at an ancestor, or a node, was told to some of them only. */
  const unsaid = new Set<string>()
  /** Paths at and below which nodes are told as well. */
  const tops = createPathTrie<true>()
  /** The last op at each path that has left the outbox. */
  const settled = createPathTrie<{ readonly opId: string; readonly order: number }>()
  let settledCount = 0

  const isBelowRegion = (path: string): boolean => regions.above(path).some(({ deep }) => deep)
  const inRegion = (path: string): boolean => regions.get(path) !== undefined || isBelowRegion(path)

  function* visibleLeaves(path: string, deep: boolean): Generator<LeafAt> {
    const leaf = visible.leaf(path)
    if (leaf) yield leaf
    if (deep) for (const below of visible.scan(descendantRange(path))) yield below.entry()
  }

  const isListenedTo = (path: string, top: string): boolean => {
    if (interest.at(path, { node: false }) || interest.below(path)) return true
    return [path, ...parentsOf(path)].some(
      (node) => node.length >= top.length && interest.at(node, { node: true }),
    )
  }

  const capture = ({ path, deep }: Reach, top: string, opId: string): void => {
    if (!isListenedTo(path, top)) return
    tops.set(top, true)
    const region = regions.get(path)
    if (isBelowRegion(path) || region?.deep || (region && !deep)) return
    for (const { path: at, value, type } of visibleLeaves(path, deep)) {
      if (!inRegion(at)) known.set(at, { value, type })
    }
    regions.set(path, { opId, deep })
  }

  const captureOp = (op: LocalOp): void => {
    for (const reach of reachOf(op)) capture(reach, op.path, op.opId)
  }

  const captureMeeting = (event: StoreEventPayload, { op }: PendingOp): void => {
    for (const theirs of reachOf(event)) {
      for (const own of reachOf(op)) {
        const both = meeting(theirs, own)
        if (both) capture(both, event.path, op.opId)
      }
    }
  }

  /**
   * An echo of the first op that touches its part, with the effects that it was shown with, moves these from the
   * pending ops to the confirmed state, and nothing looks otherwise. `gone` have left the outbox by then.
   */
  const isAsExpected = (event: StoreEventPayload, { op }: PendingOp, gone: ReadonlySet<string>): boolean =>
    AS_ISSUED.has(op.op) &&
    event.op === op.op &&
    event.path === op.path &&
    equalValues(event.value, op.value) &&
    outbox.touching(op.path).find((other) => !gone.has(other.op.opId))?.op.opId === op.opId

  /** Folds the effect as subscribers do, and notes in `before` what it changed. */
  const foldIn = (effect: Effect, before: Map<string, FoldedLeaf | undefined>): void => {
    const { kind, path } = effect
    const change = (at: string, leaf: FoldedLeaf | undefined): void => {
      if (!before.has(at)) before.set(at, known.get(at))
      if (leaf) known.set(at, leaf)
      else known.delete(at)
    }
    if (kind === 'put') {
      if (inRegion(path)) change(path, { value: effect.value, type: effect.type })
      return
    }
    const gone = kind === 'remove' ? [path] : Array.from(known.within(path), ([at]) => at)
    for (const at of gone) if (at !== path || kind !== 'clearBelow') change(at, undefined)
  }

  /** The op that is to blame: of those that have left the last, else the one that shows, or hides the path. */
  const culpritAt = (path: string): string => {
    const left = [...settled.above(path), ...present(settled.get(path))].sort((a, b) => a.order - b.order)
    const covering = () =>
      outbox.touching(path).filter(({ op }) => op.path === path || isAncestor(op.path, path))
    const region = () => regions.get(path) ?? regions.above(path)[0]
    const opId = left.at(-1)?.opId ?? visible.pendingOp(path) ?? covering().at(-1)?.op.opId ?? region()?.opId
    return opId ?? ''
  }

  const isNodeWanted = (path: string): boolean =>
    (tops.get(path) || tops.above(path).length > 0) && interest.at(path, { node: true })

  const wanted: Wanted = {
    leaf: (path) => interest.at(path, { node: false }),
    node: isNodeWanted,
    nodesAbove: (path) => parentsOf(path).filter(isNodeWanted),
  }

  /** The leaves that are not as they are known, as they are. */
  const compare = (): Map<string, FoldedLeaf | undefined> => {
    const differing = new Map<string, FoldedLeaf | undefined>()
    for (const [root, { deep }] of regions.within('')) {
      if (isBelowRegion(root)) continue
      const gone = new Set(deep ? Array.from(known.within(root), ([path]) => path) : [root])
      for (const { path, value, type } of visibleLeaves(root, deep)) {
        const now = { value, type }
        gone.delete(path)
        if (unsaid.delete(path) || !sameLeaf(known.get(path), now)) differing.set(path, now)
      }
      for (const path of gone) if (known.get(path)) differing.set(path, undefined)
    }
    for (const path of unsaid) differing.set(path, undefined)
    return differing
  }

  const clear = (): void => {
    settledCount = 0
    for (const trie of [regions, known, tops, settled]) trie.clear()
    unsaid.clear()
  }

  return {
    expectEvents(events) {
      const last = events.at(-1)
      if (outbox.size === 0 || !last) return
      const gone = new Set<string>()
      const siblings = new Set<string>()
      for (const event of events) {
        const own = event.client_op_id === null ? undefined : outbox.get(event.client_op_id)
        if (!own) {
          for (const pending of outbox.touching(event.path)) captureMeeting(event, pending)
          continue
        }
        if (!isAsExpected(event, own, gone)) captureOp(own.op)
        gone.add(own.op.opId)
        if (own.batch) for (const opId of outbox.batchMembers(own.batch.id)) siblings.add(opId)
      }
      // These may leave although no event names them: with another op of their batch, or as they are acknowledged.
      const unnamed = [
        ...Array.from(siblings, (opId) => outbox.get(opId)),
        ...outbox.ackedUpTo(last.store_seq),
      ]
      for (const pending of unnamed) if (pending && !gone.has(pending.op.opId)) captureOp(pending.op)
    },
    expectEverything() {
      for (const { op } of outbox.all()) captureOp(op)
    },
    expectLeaving: captureOp,
    settling({ path, opId }) {
      if (!regions.empty) settled.set(path, { opId, order: settledCount++ })
    },
    told(event) {
      if (regions.empty || !wantedInMode('all', event)) return
      if (isAboutNode(event)) {
        // Patterns of one depth learn from it that no leaf is there. Those with `**` are not told, so for them a leaf
        // has still to go.
        if (known.get(event.path)) unsaid.add(event.path)
        return
      }
      const before = new Map<string, FoldedLeaf | undefined>()
      for (const effect of effectsOnFold(known, event)) foldIn(effect, before)
      if (event.cause || event.correctionFor !== undefined) {
        unsaid.delete(event.path)
        return
      }
      for (const [path, leaf] of before) {
        if (path !== event.path && !sameLeaf(leaf, known.get(path))) unsaid.add(path)
      }
    },
    take() {
      if (regions.empty) return []
      const corrections = pathChanges(visible, wanted, compare()).map((change) => ({
        ...change,
        opId: culpritAt(change.path),
      }))
      clear()
      return corrections
    },
    clear,
  }
}

function present<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value]
}

function parentsOf(path: string): string[] {
  const parents: string[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    parents.push(path.slice(0, end))
  }
  return parents
}
