import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildDashboard } from './build.ts'

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'millrace-build-'))
beforeAll(() => buildDashboard(folder))
afterAll(() => rmSync(folder, { recursive: true }))
const built = (name: string) => readFileSync(join(folder, name), 'utf8')

it('builds three small files', () => {
  expect(readdirSync(folder).sort()).toEqual(['app.css', 'app.js', 'index.html'])
  expect(built('app.js').length).toBeLessThan(160_000)
  expect(built('app.css').length).toBeLessThan(40_000)
})

it('names no other host and holds no inline script or style, which the policy would refuse', () => {
  const addresses = (built('app.js') + built('app.css') + built('index.html')).match(/https?:\/\/[\w.-]+/g) ?? []
  expect([...new Set(addresses)].filter((address) => address !== 'http://www.w3.org')).toEqual([])
  expect(built('index.html')).not.toMatch(/<style|<script>|onclick|style=/)
})

it('passes its own type check', async () => {
  const { stdout } = await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'dashboards/web')]).catch(
    (error) => error as { stdout: string },
  )
  expect(stdout).toBe('')
}, 60_000)

describe.each(['light', 'dark'])('colours, %s', (name) => {
  const css = readFileSync(join(root, 'dashboards/web/src/style/tokens.css'), 'utf8')
  const block = css.slice(css.indexOf(`[data-theme="${name}"] {`)).split('}')[0]!
  const colour = (token: string) => new RegExp(`--${token}: (#[0-9a-f]{6})`).exec(block)![1]!
  const alarms = ['high', 'medium', 'low'].flatMap((level) => [
    `${level} on ${level}-ground`,
    `${level} on surface`,
    `ink on ${level}-ground`,
  ])
  const hues = ['green', 'cyan', 'amber', 'coral', 'violet', 'slate'].flatMap((hue) => [`${hue} on surface`, `${hue} on sunken`])
  const grounds = ['ground', 'surface', 'sunken', 'raised']
  const inks = grounds.flatMap((ground) => [`ink on ${ground}`, `ink-soft on ${ground}`])
  it.each([...inks, ...alarms, ...hues, 'accent-ink on accent', 'good on surface', 'high on ground', 'good on ground'])(
    '%s can be read (AA)',
    (pair) => {
      const [text, ground] = pair.split(' on ').map((token) => luminance(colour(token)))
      const contrast = (Math.max(text!, ground!) + 0.05) / (Math.min(text!, ground!) + 0.05)
      expect(contrast).toBeGreaterThanOrEqual(4.5)
    },
  )
})

/** WCAG 2.2, relative luminance. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}
