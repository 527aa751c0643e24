import { assemble, type JsonValue } from '@dustlayer/protocol'
import type { StoreStorage } from '../storage.js'

export interface Node {
  readonly path: string
  readonly value: JsonValue
  readonly type: string
  readonly seq: number
}

/** The leaf at a path, else the map assembled from what is below it; null when there is neither. */
export function readNode({ entries }: StoreStorage, path: string): Node | null {
  const leaf = entries.get(path)
  if (leaf) return leaf
  const below = [...entries.scan(path)]
  if (below.length === 0) return null
  return { path, value: assemble(path, below), type: 'map', seq: Math.max(...below.map(({ seq }) => seq)) }
}
