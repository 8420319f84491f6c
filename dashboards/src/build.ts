/** Bundles the page into `outDir`: index.html, app.js, app.css. Everything is served from one origin; nothing is fetched elsewhere. */
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

const webDir = join(import.meta.dirname, '../web')

export async function buildDashboard(outDir: string): Promise<void> {
  await mkdir(outDir, { recursive: true })
  await build({
    entryPoints: { app: join(webDir, 'src/main.tsx') },
    outdir: outDir,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome110', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'error',
  })
  await copyFile(join(webDir, 'index.html'), join(outDir, 'index.html'))
}
