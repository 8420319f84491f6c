/** Each kind has room: a plug-in is added as the kind's README says, and nothing else is touched. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Added, addOne, copyTree, withLine } from './add-one-of-each-kind.ts'
import { engineKinds, kinds as otherKinds } from './kinds.ts'

const kinds = [...otherKinds, ...engineKinds]

const tree = mkdtempSync(join(tmpdir(), 'millrace-kinds-'))
afterAll(() => rmSync(tree, { recursive: true, force: true }))
const added = new Map<string, Added>()

beforeAll(() => {
  copyTree(tree)
  for (const kind of kinds) added.set(kind.folder, addOne(kind, tree))
  const lines = kinds.map(({ name, folder }) => `${name}: ${added.get(folder)!.files.join(' ')}`)
  console.log(`files touched to add one\n  ${lines.join('\n  ')}`)
}, 60_000)

test.each(kinds)('$name: the README names every file that was touched', ({ folder }) => {
  const readme = readFileSync(join(tree, folder, 'README.md'), 'utf8')
  const { plugin, files } = added.get(folder)!
  for (const file of files) {
    const inside = file.replace(`${folder}/`, '').replace(`${plugin}/`, '').replaceAll(plugin, 'x')
    expect(readme, file).toContain(`\`${inside.replace(/\/[^/]+\.json$/, '/*.json')}\``)
  }
})

test('all of them pass the type checker', async () => {
  // Only the kinds and what they import: the rest is as it was.
  const include = kinds.map(({ folder }) => `${folder}/**/*.ts`)
  writeFileSync(join(tree, 'tsconfig.kinds.json'), JSON.stringify({ extends: './tsconfig.json', include }))
  expect(await run('node_modules/.bin/tsc', '-p', 'tsconfig.kinds.json')).toBe('')
}, 60_000)

test('each passes the conformance of its kind, and the tests of their shape', async () => {
  const own = kinds.map(({ folder }) => `${folder}/${added.get(folder)!.plugin}/`)
  const shape = ['plugins', 'engines', 'ranks'].map((name) => `test/tidy/${name}.test.ts`)
  const output = await run(process.execPath, 'node_modules/vitest/vitest.mjs', 'run', ...own, ...shape)
  const count = own.length + shape.length
  expect(output).toMatch(new RegExp(`Test Files +${count} passed \\(${count}\\)`))
}, 120_000)

test('the reference page has each of them', async () => {
  await run(process.execPath, 'docs/generate/main.ts')
  const page = readFileSync(join(tree, 'docs/reference/configuration.md'), 'utf8')
  for (const { plugin } of added.values()) expect(page).toContain(`\`${plugin}\``)
}, 60_000)

test('the line goes into the list of the plug-ins', () => {
  const index = "import { a } from './a/a.ts'\nimport { bC } from './b-c/b-c.ts'\n\nconst odd = [x]\nconst all = [a, bC]\n"
  expect(withLine(index, 'd-e')).toBe(
    "import { a } from './a/a.ts'\nimport { bC } from './b-c/b-c.ts'\nimport { dE } from './d-e/d-e.ts'\n\nconst odd = [x]\nconst all = [a, bC, dE]\n",
  )
  const engines = "import { aSchema } from './a/config.ts'\nimport { a } from './a/plugin.ts'\n\nconst all = [a]\n"
  expect(withLine(engines, 'b', 'plugin.ts')).toBe(
    "import { aSchema } from './a/config.ts'\nimport { a } from './a/plugin.ts'\nimport { b } from './b/plugin.ts'\n\nconst all = [a, b]\n",
  )
})

/** What it printed. @throws Error with the same when it failed. */
async function run(command: string, ...args: string[]): Promise<string> {
  // What vitest tells its workers by the environment is not for another vitest.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^VITEST|^TEST$|NODE_OPTIONS/.test(name)))
  const options = { cwd: tree, env: { ...env, NO_COLOR: '1' }, maxBuffer: 1 << 24 }
  return await promisify(execFile)(command, args, options).then(
    ({ stdout }) => stdout,
    (error) => {
      throw new Error(`${command} ${args.join(' ')} failed:\n${error.stdout}${error.stderr}`)
    },
  )
}
