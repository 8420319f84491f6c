/** The guides can be followed: their files exist, and each of their blocks is a step. `npm run break -- guides` follows them. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { missing, stepsOf } from '../support/guide.ts'
import { folders, root } from './sources.ts'

const guides = ['start', 'device-without-code', 'gateway', 'rules', 'kafka', 'grafana-and-kibana'].map(
  (name) => `docs/${name}.md`,
)
const pages = ['README.md', 'docs/README.md', ...guides, ...folders.map((folder) => `${folder}/README.md`)]

test.each(guides)('%s is made of steps', (path) => {
  const text = readFileSync(join(root, path), 'utf8')
  expect(stepsOf(text).filter(({ k }) => k !== 'stop')).not.toHaveLength(0)
  expect(readFileSync(join(root, 'docs/README.md'), 'utf8')).toContain(`](${path.replace('docs/', '')})`)
})

test.each(pages)('%s links to what exists', (path) => {
  const text = readFileSync(join(root, path), 'utf8')
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, to]) => to!)
  expect(links.filter((to) => !existsSync(join(root, dirname(path), to)))).toEqual([])
})

test('a guide is read as files, commands and what they print', () => {
  const text =
    'Save as `a.yaml`:\n\n```yaml\nx: 1\n```\n\nStart it, in a terminal of its own:\n\n```sh\nrun a.yaml\n```\n\n```text\nready … yes\n```\n'
  expect(stepsOf(text)).toEqual([
    { k: 'file', name: 'a.yaml', text: 'x: 1\n' },
    { k: 'commands', text: 'run a.yaml\n', goesOn: true, expected: ['ready … yes'] },
  ])
  expect(missing('it is ready, says yes', ['ready … yes'])).toBeUndefined()
  expect(missing('yes, ready', ['ready … yes'])).toBe('ready … yes')
  expect(() => stepsOf('```js\nx\n```\n')).toThrow('no step')
})
