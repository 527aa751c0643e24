import type { OpenStore } from './open-store.js'

const RECENT_OPS = 5

/** What the `status` push tells about a store (spec/wire.md §5), permissions apart. */
export function statusOf({ storage, record }: OpenStore, head: number) {
  const { entries, files, log, history } = storage
  const first = log.first()
  const snapshot = history.snapshot()
  return {
    current_seq: head,
    entry_count: entries.count(),
    op_count: first === null ? 0 : head - first + 1,
    file_storage_bytes: files.totalBytes(),
    db_size_bytes: storage.sizeBytes(),
    expires_at: record.expiresAt === null ? null : isoTime(record.expiresAt),
    latest_snapshot_seq: snapshot?.seq ?? null,
    latest_snapshot_at: snapshot ? isoTime(snapshot.takenAt) : null,
    recent_ops: log.latest(RECENT_OPS).map(({ seq, op, path, insertedAt }) => {
      return { store_seq: seq, op, path, inserted_at: isoTime(insertedAt) }
    }),
  }
}

/** `YYYY-MM-DDTHH:MM:SS.mmmZ` */
function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
