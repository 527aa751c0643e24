import { type Effect, type EntryType, isAncestor, type JsonValue } from '@dustlayer/protocol'
import { createPathTrie } from './path-trie.js'
import { createSortedPaths } from './sorted-paths.js'

/** A leaf that a pending op shows in place of what is confirmed at its path. */
export interface OverlayLeaf {
  readonly value: JsonValue
  readonly type: EntryType
  /** The op that wrote it last. */
  readonly opId: string
}

/** What reading needs of an overlay. */
export interface OverlayView {
  readonly empty: boolean
  /** The shown leaf, `null` when the path is hidden, undefined when the confirmed row counts. */
  at(path: string): OverlayLeaf | null | undefined
  /** The paths of all shown leaves, in byte order. Valid until the next change. */
  paths(): readonly string[]
}

interface Cell {
  leaf: OverlayLeaf | undefined
  /** Which confirmed rows pending ops have deleted: those below this path, or the one at it as well. */
  hides: 'nothing' | 'below' | 'all'
}

/**
 * The pending ops' effects, folded: the leaves they show and the confirmed subtrees they hide. A derived state
 * that can be rebuilt from the outbox and the confirmed entries at any time.
 *
 * A shown leaf is always newer than whatever hides its path, because hiding drops the leaves it covers. So a
 * path shows its overlay leaf if it has one, nothing if it is hidden, and its confirmed row otherwise.
 */
export interface Overlay extends OverlayView {
  apply(effects: readonly Effect[], opId: string): void
  /** Like `apply`, but changes nothing outside the subtree of `root` (the path itself included). */
  applyWithin(root: string, effects: readonly Effect[], opId: string): void
  /** Forgets everything at the path and below it, before the ops that touch it are applied anew. */
  forget(path: string): void
  clear(): void
}

export function createOverlay(): Overlay {
  const cells = createPathTrie<Cell>()
  const shown = createSortedPaths()

  const cellAt = (path: string): Cell => {
    const existing = cells.get(path)
    if (existing) return existing
    const created: Cell = { leaf: undefined, hides: 'nothing' }
    cells.set(path, created)
    return created
  }

  const hide = (path: string, what: 'below' | 'all'): void => {
    cells.deleteBelow(path)
    shown.removeBelow(path)
    const cell = cellAt(path)
    if (what === 'all' && cell.leaf) {
      cell.leaf = undefined
      shown.remove(path)
    }
    if (cell.hides !== 'all') cell.hides = what
  }

  const forget = (path: string): void => {
    cells.deleteBelow(path)
    cells.delete(path)
    shown.removeBelow(path)
    shown.remove(path)
  }

  const applyOne = (effect: Effect, opId: string): void => {
    switch (effect.kind) {
      case 'put': {
        const cell = cellAt(effect.path)
        if (!cell.leaf) shown.add(effect.path)
        cell.leaf = { value: effect.value, type: effect.type, opId }
        break
      }
      case 'clear':
        hide(effect.path, 'all')
        break
      case 'clearBelow':
        hide(effect.path, 'below')
        break
      case 'remove':
        // Only `release` removes a lone leaf, and lease ops are never applied before the server's word.
        throw new Error('lease ops have no optimistic effect')
    }
  }

  return {
    get empty() {
      return cells.empty
    },
    at(path) {
      const cell = cells.get(path)
      if (cell?.leaf) return cell.leaf
      if (cell?.hides === 'all') return null
      return cells.above(path).some(({ hides }) => hides !== 'nothing') ? null : undefined
    },
    paths: shown.all,
    apply(effects, opId) {
      for (const effect of effects) applyOne(effect, opId)
    },
    applyWithin(root, effects, opId) {
      for (const effect of effects) {
        if (effect.path === root || isAncestor(root, effect.path)) applyOne(effect, opId)
        // The mark at the ancestor itself is still in place; here only the leaves it covers go.
        else if (effect.kind !== 'put' && isAncestor(effect.path, root)) forget(root)
      }
    },
    forget,
    clear() {
      cells.clear()
      shown.clear()
    },
  }
}
