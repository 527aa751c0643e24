import { defineConfig } from 'vitest/config'

// Tests run against the sources of the workspace packages, so that no build is needed first.
const conditions = ['dustlayer-source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts', 'scripts/**/*.test.ts'],
    testTimeout: 20_000,
  },
})
