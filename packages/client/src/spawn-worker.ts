/**
 * Starts the worker from the URL, or from the file beside this one. Bundlers find that file by the literal
 * `new Worker(new URL(…))`, so it stands here as they expect it (docs/bundlers.md).
 */
export function spawnWorker(workerUrl: string | URL | undefined): Worker {
  if (workerUrl !== undefined) return new Worker(workerUrl, { type: 'module' })
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
}
