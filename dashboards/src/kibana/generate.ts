/** Writes dashboards/kibana/*.ndjson: `node dashboards/src/kibana/generate.ts`. With a prefix and a folder, those for other indices. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArguments } from '@millrace/platform'
import { type Flavour, savedObjects, toNdjson } from './saved-objects.ts'

const usage = { call: 'node dashboards/src/kibana/generate.ts', words: ['[prefix] [folder]'] }
const { positionals } = readArguments(usage, {})
const [prefix = 'millrace-', folder = fileURLToPath(new URL('../../kibana', import.meta.url))] = positionals
for (const flavour of ['kibana', 'opensearch-dashboards'] satisfies Flavour[]) {
  const file = join(folder, `${flavour}.ndjson`)
  writeFileSync(file, toNdjson(savedObjects(flavour, prefix)))
  console.log(file)
}
