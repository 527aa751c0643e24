/** How one recipe of docs/bundlers.md is tested. */
export interface Case {
  /** The title of its section. */
  readonly recipe: string
  /** Packages of this workspace that it runs. */
  readonly tools?: readonly string[]
  /** Packages that it needs in the app, by name and version, besides Dust's. */
  readonly packages?: Readonly<Record<string, string>>
  /** A folder here with what the app has besides `starter`. */
  readonly starter?: string
}

export const IN_EVERY_RUN: readonly Case[] = [
  { recipe: 'Vite 8', tools: ['vite'] },
  { recipe: 'Vite 8, development server', tools: ['vite'] },
  { recipe: 'Vite 5 to 7', tools: ['vite-7'] },
  { recipe: 'Vite 5 to 7, development server', tools: ['vite-7'] },
  { recipe: 'webpack 5', tools: ['webpack', 'webpack-cli'] },
  { recipe: 'Rspack 2', tools: ['@rspack/cli', '@rspack/core'] },
  { recipe: 'esbuild', tools: ['esbuild'] },
  { recipe: 'Rollup 4', tools: ['rollup'] },
  { recipe: 'Without a bundler' },
  { recipe: 'Files elsewhere', tools: ['esbuild'] },
]

const next = (version: string) => ({
  packages: { next: version, react: '19.3.1', 'react-dom': '19.3.1' },
  starter: 'starter-next',
})

/** Too large to install for every run (Next.js alone is 340 MB): `pnpm run bundlers:by-hand`. */
export const BY_HAND: readonly Case[] = [
  { recipe: 'Next.js 16', ...next('16.4.6') },
  { recipe: 'Next.js 16, webpack', ...next('16.4.6') },
  { recipe: 'Next.js 16, development server', ...next('16.4.6') },
  // The last whose Turbopack starts workers from blob: addresses.
  { recipe: 'Next.js 16', ...next('16.1.7') },
  { recipe: 'Parcel 2', packages: { parcel: '2.16.4' } },
  ...['5.4.21', '6.4.6'].flatMap((vite) => [
    { recipe: 'Vite 5 to 7', packages: { vite } },
    { recipe: 'Vite 5 to 7, development server', packages: { vite } },
  ]),
]
