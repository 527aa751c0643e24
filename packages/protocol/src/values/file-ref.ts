import type { JsonMap } from '../value.js'
import { DateTime, isDateTimeText } from './date-time.js'
import { hasExactKeys } from './envelope-keys.js'

/** A file that the server keeps; its bytes are fetched by the hash. */
export class FileRef {
  /** `sha256:` and 64 hex digits. */
  readonly hash: string
  /** Bytes. */
  readonly size: number
  readonly contentType: string
  readonly filename: string | null
  readonly uploadedAt: DateTime

  constructor(file: Pick<FileRef, 'hash' | 'size' | 'contentType' | 'filename' | 'uploadedAt'>) {
    this.hash = file.hash
    this.size = file.size
    this.contentType = file.contentType
    this.filename = file.filename
    this.uploadedAt = file.uploadedAt
    Object.freeze(this)
  }

  /** The envelope, as it is stored. */
  toJSON(): JsonMap {
    return {
      _type: 'file',
      hash: this.hash,
      size: this.size,
      content_type: this.contentType,
      filename: this.filename,
      uploaded_at: this.uploadedAt.text,
    }
  }
}

const KEYS = ['_type', 'hash', 'size', 'content_type', 'filename', 'uploaded_at']

/** The file that an envelope stands for; undefined when a FileRef could not hold all of it. */
export function fileRefOf(envelope: JsonMap): FileRef | undefined {
  const { hash, size, content_type: contentType, filename = null, uploaded_at: uploadedAt } = envelope
  if (!hasExactKeys(envelope, KEYS)) return undefined
  if (typeof hash !== 'string' || typeof contentType !== 'string' || !isSize(size)) return undefined
  if (filename !== null && typeof filename !== 'string') return undefined
  if (typeof uploadedAt !== 'string' || !isDateTimeText(uploadedAt)) return undefined
  return new FileRef({ hash, size, contentType, filename, uploadedAt: DateTime.from(uploadedAt) })
}

function isSize(size: unknown): size is number {
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0
}
