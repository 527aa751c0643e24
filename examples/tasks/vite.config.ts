import { defineConfig, type Plugin } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'

// Where `pnpm dev` finds a Dust server: `node packages/server/bin/dust-server.js serve --dev --port 7755 --data .dust`
const devServer = process.env.DUST_SERVER ?? 'http://127.0.0.1:7755'

export default defineConfig({
  // The largest chunk is the world's data, which is only loaded by whoever imports it.
  build: { target: 'es2022', sourcemap: true, chunkSizeWarningLimit: 700 },
  server: { proxy: { '/dust.json': devServer, '/ws': { target: devServer, ws: true } } },
  plugins: [contentSecurityPolicy(), offlinePage()],
})

/** Keeps the page openable without a server: every file of the build is cached, and nothing else is touched. */
function offlinePage(): Plugin[] {
  return VitePWA({
    // The page asks before it changes to a new version, so that nobody loses a half-typed title.
    registerType: 'prompt',
    injectRegister: null,
    manifest: {
      name: 'Dust Tasks',
      short_name: 'Tasks',
      description: 'A shared task board that also works offline',
      start_url: '/',
      display: 'standalone',
      theme_color: '#f5f1ea',
      background_color: '#f5f1ea',
      icons: [
        { src: 'icon-192.png', sizes: '192x192', type: 'image/png' },
        { src: 'icon-512.png', sizes: '512x512', type: 'image/png' },
        { src: 'icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
        { src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' },
      ],
    },
    includeAssets: ['icon.svg'],
    workbox: {
      globPatterns: ['**/*.{html,js,css,wasm}'],
      maximumFileSizeToCacheInBytes: 5_000_000,
      cleanupOutdatedCaches: true,
      clientsClaim: true,
      navigateFallbackDenylist: [/^\/ws/, /^\/api/, /^\/dust\.json$/, /^\/(health|ready)z$/],
    },
  })
}

/** The built page allows only its own files, WebAssembly, and connections to a Dust server anywhere. */
function contentSecurityPolicy(): Plugin {
  const policy = [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "manifest-src 'self'",
    "connect-src 'self' ws: wss: http: https:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return {
    name: 'content-security-policy',
    // Not in development: Vite injects styles inline there.
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: policy },
        injectTo: 'head-prepend',
      },
    ],
  }
}
