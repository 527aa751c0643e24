import { type JsonValue, MAX_PATH_DEPTH, PathError, parsePath, renderPath } from '@dustlayer/protocol'

export type ParsedPath =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly reason: string }

/** A path in a payload, rendered or as segments, in canonical form; else the reason of spec/wire.md §7. */
export function parsePathField(value: JsonValue | undefined): ParsedPath {
  if (value === null || value === undefined) return { ok: false, reason: 'missing_path' }
  if (typeof value !== 'string' && !Array.isArray(value)) return { ok: false, reason: 'invalid_path' }
  try {
    const segments = parsePath(value)
    if (segments.length > MAX_PATH_DEPTH) return { ok: false, reason: 'path_too_deep' }
    return { ok: true, path: renderPath(segments) }
  } catch (error) {
    if (error instanceof PathError) return { ok: false, reason: error.code }
    throw error
  }
}
