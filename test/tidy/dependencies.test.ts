import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folders, root, sourcesBelow } from './sources.ts'

type Manifest = Partial<Record<'dependencies' | 'devDependencies', Record<string, string>>>

for (const folder of folders) {
  test(`${folder} uses every package that its package.json names`, () => {
    const { dependencies, devDependencies }: Manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const text = sourcesBelow(folder).map((source) => source.text)
    const isUsed = (name: string) => text.some((one) => one.includes(`'${name}'`) || one.includes(`'${name}/`))
    const unused = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !isUsed(name.replace(/^@types\//, '')))
    expect(unused, 'Take it out of package.json and package-lock.json.').toEqual([])
  })
}
