/**
 * What each part of the repository may import of the others (docs: ARCHITECTURE.md, "Layers").
 * @typedef {object} Layer
 * @property {readonly string[]} imports packages below it
 * @property {readonly string[]} [alsoForTools] packages it may list under devDependencies, to start their commands
 * @property {boolean} [environmentFree] its sources run anywhere: no browser globals, no Node modules, no clock, no randomness
 */

export const scope = '@dustlayer/'

/** @type {Readonly<Record<string, Layer>>} */
export const packageLayers = {
  protocol: { imports: [], environmentFree: true },
  replica: { imports: ['protocol'], environmentFree: true },
  sync: { imports: ['protocol', 'replica'], environmentFree: true },
  client: { imports: ['protocol', 'replica', 'sync'] },
  server: { imports: ['protocol'] },
  sim: { imports: ['protocol', 'replica', 'sync', 'server'] },
}

const everything = Object.keys(packageLayers)

/** @type {Readonly<Record<string, Layer>>} */
export const rootLayers = {
  examples: { imports: ['client'], alsoForTools: ['server'] },
  e2e: { imports: everything },
  bench: { imports: everything },
}

/** What only a browser, only Node, or only a real clock or dice has. Their owners hand these in by an interface. */
export const environmentGlobals = new Set([
  'window',
  'self',
  'document',
  'navigator',
  'location',
  'localStorage',
  'sessionStorage',
  'indexedDB',
  'caches',
  'fetch',
  'XMLHttpRequest',
  'WebSocket',
  'EventSource',
  'Worker',
  'SharedWorker',
  'BroadcastChannel',
  'MessageChannel',
  'postMessage',
  'requestAnimationFrame',
  'requestIdleCallback',
  'process',
  'Buffer',
  'global',
  'require',
  '__dirname',
  '__filename',
  'setImmediate',
  'setTimeout',
  'setInterval',
  'clearTimeout',
  'clearInterval',
  'performance',
  'crypto',
])

/** The same, as members: `Date.now`, `Math.random`. */
export const environmentMembers = new Set(['Date.now', 'Math.random'])
