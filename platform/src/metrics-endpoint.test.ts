import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get as getPlain } from 'node:http'
import { get, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type MetricsEndpoint, metricsEndpointSchema, serveMetricsEndpoint } from './metrics-endpoint.ts'
import { freePort } from './testing/free-port.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-page-'))
const at = (name: string) => join(folder, name)
const pages = { health: () => ({ status: 'ok', clients: 7 }), metrics: () => 'a 1\n' }
let endpoint: MetricsEndpoint | undefined
let hasOpenssl = true

beforeAll(() => {
  writeFileSync(at('password'), 'correct horse\n')
  writeFileSync(at('short'), 'horse\n')
  try {
    const files = ['-keyout', at('key.pem'), '-out', at('cert.pem')]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '2', '-subj', '/CN=localhost', ...files], {
      stdio: 'pipe',
    })
  } catch {
    hasOpenssl = false
  }
})
afterEach(async () => endpoint?.close())
afterAll(() => rmSync(folder, { recursive: true }))

async function serve(config: object): Promise<number> {
  const port = await freePort()
  endpoint = await serveMetricsEndpoint(metricsEndpointSchema.parse({ port, ...config }), pages)
  return port
}

it('is off by default', async () => {
  expect(await serveMetricsEndpoint(metricsEndpointSchema.parse(undefined), pages)).toBeUndefined()
})

it('gives health and metrics on loopback, to names of loopback only', async () => {
  const url = `http://127.0.0.1:${await serve({})}`
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok', clients: 7 })
  expect(await (await fetch(`${url}/metrics`)).text()).toBe('a 1\n')
  expect((await fetch(`${url}/`)).status).toBe(404)
  expect(await statusFor(`${url}/metrics`, 'evil.example')).toBe(421)
})

it('shows a page to names of loopback only, where there is one', async () => {
  const port = await freePort()
  const page = () => '<!doctype html>'
  endpoint = await serveMetricsEndpoint(metricsEndpointSchema.parse({ port }), { ...pages, page })
  const answered = await fetch(`http://127.0.0.1:${port}/`)
  expect([answered.headers.get('content-type'), await answered.text()]).toEqual(['text/html; charset=utf-8', '<!doctype html>'])
  expect(answered.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(await statusFor(`http://127.0.0.1:${port}/`, 'evil.example')).toBe(421)
})

it('refuses to listen elsewhere without TLS and a credential, and with a short password', async () => {
  await expect(serve({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'LISTENER_NOT_LOOPBACK' })
  const credential = { name: 'prometheus', passwordFile: at('short') }
  await expect(serve({ credential })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

it('says that its port is taken', async () => {
  const port = await serve({})
  await expect(serveMetricsEndpoint(metricsEndpointSchema.parse({ port }), pages)).rejects.toMatchObject({
    code: 'PROCESS_PORT_IN_USE',
  })
})

it('gives a stranger the bare health, and the metrics to who has the credential, over TLS', async ({ skip }) => {
  if (!hasOpenssl) skip('openssl, which makes the certificate, is not installed (Debian: apt-get install openssl)')
  const port = await serve({
    host: '0.0.0.0',
    tls: { certFile: at('cert.pem'), keyFile: at('key.pem') },
    credential: { name: 'prometheus', passwordFile: at('password') },
  })
  const ask = (path: string, auth?: string) => answer({ host: '127.0.0.1', port, path, auth, rejectUnauthorized: false })
  expect(await ask('/health')).toEqual([200, '{"status":"ok"}\n'])
  expect((await ask('/metrics'))[0]).toBe(401)
  expect((await ask('/metrics', 'prometheus:correct hors'))[0]).toBe(401)
  expect(await ask('/metrics', 'prometheus:correct horse')).toEqual([200, 'a 1\n'])
})

it('holds back its answer when many wrong passwords have come from an address, and lets a right one in', async () => {
  const port = await serve({ credential: { name: 'prometheus', passwordFile: at('password') } })
  const ask = async (password: string) => {
    const headers = { authorization: `Basic ${Buffer.from(`prometheus:${password}`).toString('base64')}` }
    const startMs = performance.now()
    const { status } = await fetch(`http://127.0.0.1:${port}/metrics`, { headers })
    return [status, performance.now() - startMs > 900]
  }
  for (let k = 0; k < 10; k++) expect(await ask(`wrong-${k}`)).toEqual([401, false])
  expect(await ask('wrong')).toEqual([401, true])
  expect(await ask('correct horse')).toEqual([200, false])
})

/** fetch sets the Host header itself. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    getPlain(url, { headers: { host } }, (response) => resolve(response.resume().statusCode)).on('error', reject)
  })
}

function answer(options: RequestOptions): Promise<[status: number | undefined, body: string]> {
  return new Promise((resolve, reject) => {
    get(options, (response) => {
      let body = ''
      response.on('data', (chunk) => (body += chunk)).on('end', () => resolve([response.statusCode, body]))
    }).on('error', reject)
  })
}
