/** Loaded before a program, as `--import .../planted.ts?<bug>`: changes its source as bugs.ts says, or ends it when it cannot. */
import { registerHooks } from 'node:module'
import { type Bug, bugs } from './bugs.ts'

const { file, from, to } = bugs[new URL(import.meta.url).search.slice(1) as Bug]

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    if (!url.endsWith(file)) return loaded
    const source = Buffer.from(loaded.source as Uint8Array).toString()
    if (source.split(from).length !== 2) throw new Error(`the bug cannot be planted: ${file} has changed`)
    return { ...loaded, source: source.replace(from, to) }
  },
})
