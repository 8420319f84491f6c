import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folders, root, sourcesBelow } from './sources.ts'
import { proseOf, words } from './words.ts'

/** Histories, which keep the words of their time; the names that a snapshot's format has; and the list itself. */
const exempt = /^CHANGELOG\.md$|^docs\/decisions\/|^test\/tidy\/words|prepare\/state\/state\.ts$/
const documents = ['.', 'docs', ...folders].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: folder !== '.' })
    .map((path) => join(folder, `${path}`))
    .filter((path) => path.endsWith('.md') && !path.includes('node_modules')),
)

const misused = (path: string, text: string) =>
  proseOf(path, text).flatMap(([line, prose]) =>
    words.filter(({ not }) => not.test(prose)).map(({ not, write }) => `${path}:${line} ${not.exec(prose)![0]} → ${write}`),
  )

test('comments, texts and documents use the words of the glossary', () => {
  const found = [
    ...folders.flatMap(sourcesBelow).map(({ path, text }) => ({ path, text })),
    ...documents.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })),
  ].filter(({ path }) => !exempt.test(path))
  expect(found.flatMap(({ path, text }) => misused(path, text))).toEqual([])
})

test('a word that is not used is found in a comment, a text and a document', () => {
  expect(misused('a.ts', '// The wish stands.\nconst a = `is no frame`\n')).toHaveLength(2)
  expect(misused('a.md', 'made anew, `anew`')).toHaveLength(1)
  expect(misused('a.ts', '// There is no data, and it is no longer sent.')).toEqual([])
})
