/** Writes dashboards/kibana/*.ndjson: `node dashboards/src/kibana/generate.ts`. With a prefix and a folder, those for other indices. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Flavour, savedObjects, toNdjson } from './saved-objects.ts'

const [prefix = 'millrace-', folder = fileURLToPath(new URL('../../kibana', import.meta.url))] = process.argv.slice(2)
for (const flavour of ['kibana', 'opensearch-dashboards'] satisfies Flavour[]) {
  const file = join(folder, `${flavour}.ndjson`)
  writeFileSync(file, toNdjson(savedObjects(flavour, prefix)))
  console.log(file)
}
