import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerTo } from '@millrace/platform/testing/raw-http'
import { afterEach, describe, expect, it } from 'vitest'
import { startWeb } from './testing/web.ts'

let close = async () => {}
afterEach(() => close())

async function start(set: Record<string, unknown> = {}): Promise<number> {
  const { web } = await startWeb({ set })
  close = () => web.close()
  return web.port
}

const statusOf = (answer: string) => Number(answer.split(' ')[1])
const request = (line: string, host: string, more = '') => `${line} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n${more}\r\n`

/** What is answered before any route is looked for: [what, first line, further headers, status to this page's own name]. */
const strange = [
  ['a URL that cannot be decoded', 'GET /api/%zz', '', 400],
  ['half of a surrogate in a URL', 'GET /api/log/%c3%28', '', 400],
  ['a parameter that is too long', `GET /api/log/${'a'.repeat(600)}`, '', 404],
  ['a page that is not there', 'GET /nothing', '', 404],
  ['a method that no route has', 'PROPFIND /api/fleet', '', 403],
  ['an expectation that nobody knows', 'GET /health', 'expect: the unexpected\r\n', 200],
  ['an upgrade', 'GET /nothing', 'connection: upgrade\r\nupgrade: h2c\r\n', 404],
  ['a version of the API', 'GET /health', 'accept-version: 1.x\r\n', 200],
] as const

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

/** What the parser refuses, and requests without a host. */
const broken: [string, string, number][] = [
  ['bytes that are not HTTP', 'hello\r\n\r\n', 400],
  ['headers that are too long', `GET / HTTP/1.1\r\nhost: localhost\r\na: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
  ['two lengths', 'GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
  ['no host', 'GET /api/fleet HTTP/1.1\r\nconnection: close\r\n\r\n', 421],
  ['no host in HTTP/1.0', 'GET /api/fleet HTTP/1.0\r\n\r\n', 421],
]

it.each(broken)('%s: refused with the security headers', async (_, bytes, status) => {
  const answer = await answerTo(await start(), bytes)
  expect([statusOf(answer), missing(answer)]).toEqual([status, []])
})

function missing(answer: string): string[] {
  const has = answer.toLowerCase()
  return ['content-security-policy: ', 'x-content-type-options: nosniff', 'x-frame-options: deny'].filter(
    (each) => !has.includes(each),
  )
}

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
