/** Writes the page that describes the topics to other programs. Run it after a change of a schema. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { page, pagePath } from './page.ts'

const path = fileURLToPath(pagePath)
mkdirSync(fileURLToPath(new URL('.', pagePath)), { recursive: true })
writeFileSync(path, page())
console.log(`wrote ${path}`)
