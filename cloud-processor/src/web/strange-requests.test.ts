import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerTo } from '@millrace/platform/testing/raw-http'
import { afterEach, describe, expect, it } from 'vitest'
import { broken, missing, request, strange } from './testing/strange-requests.ts'
import { startWeb } from './testing/web.ts'

let close = async () => {}
afterEach(() => close())

async function start(set: Record<string, unknown> = {}): Promise<number> {
  const { web } = await startWeb({ set })
  close = () => web.close()
  return web.port
}

const statusOf = (answer: string) => Number(answer.split(' ')[1])
describe.each(strange)('%s', (_, line, more, status) => {
  it('is answered with the headers of every other answer', async () => {
    const port = await start()
    const answer = await answerTo(port, request(line, `localhost:${port}`, more))
    expect([statusOf(answer), missing(answer)]).toEqual([status, []])
  })

  it('is refused under a foreign name', async () => {
    const answer = await answerTo(await start(), request(line, 'evil.example', more))
    expect([statusOf(answer), missing(answer)]).toEqual([421, []])
  })
})

it.each(broken)('%s: refused with the security headers', async (_, bytes, status) => {
  const answer = await answerTo(await start(), bytes)
  expect([statusOf(answer), missing(answer)]).toEqual([status, []])
})

it('garbage behind the request of a live connection does not get into its events', async () => {
  const port = await start()
  const answer = await answerTo(port, `GET /api/live HTTP/1.1\r\nhost: localhost:${port}\r\n\r\nhello\r\n\r\n`)
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toHaveLength(1)
})

it('with TLS every answer says that this name is asked by TLS alone', async ({ skip }) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-web-'))
  const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  try {
    const files = ['-keyout', tls.keyFile, '-out', tls.certFile]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '2', '-subj', '/CN=localhost', ...files], {
      stdio: 'pipe',
    })
  } catch {
    skip('openssl, which makes the certificate, is not installed (Debian: apt-get install openssl)')
  }
  const port = await start({ tls })
  rmSync(folder, { recursive: true })
  for (const bytes of [
    request('GET /health', `localhost:${port}`),
    request('GET /health', 'evil.example'),
    request('GET /%zz', 'a'),
    'hello\r\n\r\n',
  ])
    expect(await answerTo(port, bytes, true)).toMatch(/strict-transport-security: max-age=31536000/i)
})

it('without TLS none does', async () => {
  const port = await start()
  expect(await answerTo(port, request('GET /health', `localhost:${port}`))).not.toMatch(/strict-transport/i)
})
