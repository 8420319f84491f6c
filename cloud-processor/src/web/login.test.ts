import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { ask, startWeb } from './testing/web.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-web-'))
let page: Awaited<ReturnType<typeof startWeb>>
beforeEach(async () => {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, 'correct horse\n', { mode: 0o600 })
  page = await startWeb({ set: { credential: { name: 'ward', passwordFile } } })
})
afterEach(() => page.web.close())
afterAll(() => rmSync(folder, { recursive: true }))

/** Resolves with the status and how long it took. */
async function login(password: string, path = '/api/fleet'): Promise<{ code: number; ms: number }> {
  const { port } = page.web
  const startMs = performance.now()
  const authorization = `Basic ${Buffer.from(`ward:${password}`).toString('base64')}`
  const { code } = await ask(port, path, { headers: { host: `localhost:${port}`, authorization } })
  return { code, ms: performance.now() - startMs }
}

it.each(['/api/fleet', '/%zz', '/nothing'])(
  'after ten wrong passwords each further one to %s takes a second, a right one does not',
  async (path) => {
    for (let k = 0; k < 10; k++) expect((await login(`wrong-${k}`, path)).ms).toBeLessThan(900)
    const { code, ms } = await login('wrong', path)
    expect([code, ms > 900]).toEqual([401, true])
    expect((await login('correct horse')).ms).toBeLessThan(900)
  },
)

it('a right password is answered within a second during 200 wrong ones a second', async () => {
  let k = 0
  const wrong: Promise<unknown>[] = []
  const timer = setInterval(() => wrong.push(login(`wrong-${k++}`), login(`wrong-${k++}`)), 10)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  const { code, ms } = await login('correct horse')
  clearInterval(timer)
  await Promise.allSettled(wrong)
  expect([code, ms < 1_000], `${ms.toFixed(0)} ms`).toEqual([200, true])
})
