import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './sources.ts'

/** Kinds of plug-in and what each plug-in's folder holds besides `x.ts`. */
const kinds = [
  { folder: 'edge-agent/src/decoders', parts: ['test', 'README.md', 'cases'] },
  { folder: 'edge-agent/src/bus', parts: ['test', 'README.md'] },
  { folder: 'cloud-processor/src/prepare/plain/codecs', parts: ['test', 'README.md'] },
  { folder: 'cloud-processor/src/rules/notifiers', parts: ['test', 'README.md'] },
  { folder: 'cloud-processor/src/stores/influxdb/dialects', parts: ['test', 'README.md'] },
]

for (const { folder, parts } of kinds) {
  test(`every plug-in of ${folder} has the same shape and one line in index.ts`, () => {
    const index = readFileSync(join(root, folder, 'index.ts'), 'utf8')
    const plugins = readdirSync(join(root, folder), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(plugins.length).toBeGreaterThan(0)
    const missing = plugins.flatMap(({ name }) => {
      const at = (part: string) => join(root, folder, name, part)
      const wanted = [`${name}.ts`, ...parts.map((part) => (part === 'test' ? `${name}.test.ts` : part))]
      return [
        ...wanted.filter((part) => !existsSync(at(part))).map((part) => `${name}/${part}`),
        ...(index.includes(`./${name}/${name}.ts`) ? [] : [`a line for ${name} in ${basename(folder)}/index.ts`]),
      ]
    })
    expect(missing, 'A plug-in is one folder with the same things; see STYLE in CONTRIBUTING.md.').toEqual([])
  })
}
