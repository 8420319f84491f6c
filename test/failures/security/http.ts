/** Requests as no browser sends them, to each of our HTTP listeners. */
import { connect as connectPlain, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { answerTo } from '@millrace/platform/testing/raw-http'
import { broken, missing, request, strange } from '../../../cloud-processor/src/web/testing/strange-requests.ts'
import { askPage } from './ask.ts'
import type { Installation, Scene } from './scene.ts'
import { scraper } from './scene.ts'
import { anyOf, type Check, clauses, type Group, unlike } from './sheet.ts'

const listeners = ({ ports, site }: Installation) => ({
  page: ports.web,
  'metrics endpoint of the broker': ports.brokerMetrics,
  'metrics endpoint of the processor': ports.metrics,
  'enrolment endpoint': site.ports.ca,
})

export const httpGroup: Group = {
  name: 'http',
  async run(scene, check) {
    const installation = await scene.installation()
    const slow = slowRequests(installation)
    await strangeRequests(installation.ports.web, check)
    for (const [name, port] of Object.entries(listeners(installation))) {
      const answer = await answerTo(port, request('GET /health', `localhost:${port}`), true)
      check(clauses.transfer, `${name}: HSTS on every answer`, unlike(answer, /strict-transport-security: max-age=31536000/i))
      check(clauses.transfer, `${name}: TLS 1.1 is refused`, (await speaksOldTls(port)) && 'it is spoken')
    }
    await metricsEndpoint(installation, check)
    await hostileBodies(scene, check)
    for (const [what, ms, msMax] of await slow)
      check(clauses.resources, `${what} is ended`, ms > msMax && `after ${Math.round(ms)} ms`)
    await crowds(installation, check)
  },
}

const statusOf = (answer: string) => Number(answer.split(' ')[1])
const isHardened = (answer: string) => [...missing(answer), ...(/strict-transport-security/i.test(answer) ? [] : ['HSTS'])]

async function strangeRequests(port: number, check: Check): Promise<void> {
  for (const [what, line, more] of strange) {
    const own = await answerTo(port, request(line, `localhost:${port}`, more), true)
    const foreign = await answerTo(port, request(line, 'evil.example', more), true)
    const without = [...isHardened(own), ...isHardened(foreign)]
    const fault =
      statusOf(foreign) === 421 && statusOf(own) < 500
        ? anyOf(without)
        : `${statusOf(own)}, and ${statusOf(foreign)} under a foreign name`
    check(clauses.misconfiguration, `${what}: the headers of every answer, and 421 under a foreign name`, fault)
  }
  for (const [what, bytes, status] of broken) {
    const answer = await answerTo(port, bytes, true)
    check(
      clauses.misconfiguration,
      `${what}: refused with the headers of every answer`,
      statusOf(answer) === status ? anyOf(isHardened(answer)) : answer.slice(0, 100),
    )
  }
}

/** Without our own refusal to speak it. */
function speaksOldTls(port: number): Promise<boolean> {
  const options = {
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  } as const
  return new Promise((resolve) => {
    const socket = connect(options, () => {
      resolve(true)
      socket.destroy()
    })
    socket.on('error', () => resolve(false))
  })
}

async function metricsEndpoint({ ports, ca }: Installation, check: Check): Promise<void> {
  const [broker, processor] = [ports.brokerMetrics, ports.metrics]
  const authorization = `Basic ${btoa(`${scraper.name}:${scraper.password}`)}`
  for (const [port, path] of [
    [broker, '/metrics'],
    [broker, '/refusals'],
    [processor, '/metrics'],
  ] as const) {
    const stranger = await askPage({ port, ca }, path, {})
    const known = await askPage({ port, ca }, path, { headers: { authorization } })
    check(
      clauses.interfaces,
      `${port === broker ? 'broker' : 'processor'}: ${path} takes the credential`,
      stranger.code === 401 && stranger.body === '' && known.code === 200 ? undefined : `${stranger.code} ${known.code}`,
    )
  }
  const health = await askPage({ port: processor, ca }, '/health', {})
  check(
    clauses.interfaces,
    'a stranger is told no more by /health than that it is there',
    health.body.trim() !== '{"status":"ok"}' && health.body,
  )
  const foreign = await askPage({ port: broker, ca }, '/metrics', { headers: { authorization, host: 'evil.example' } })
  check(clauses.misconfiguration, 'metrics endpoint: a foreign name is refused', foreign.code !== 421 && `${foreign.code}`)
}

async function hostileBodies(scene: Scene, check: Check): Promise<void> {
  const cookie = await scene.login('admin-whole')
  const bodies: [string, string][] = [
    ['__proto__ in a body', '{"name":"polluted","role":"viewer","__proto__":{"role":"admin"}}'],
    ['constructor in a body', '{"name":"polluted","role":"viewer","constructor":{"prototype":{"role":"admin"}}}'],
    ['a body of 20 KiB', JSON.stringify({ name: 'x'.repeat(20_480), role: 'viewer' })],
    ['a body that nests 7,000 deep', '['.repeat(7000) + ']'.repeat(7000)],
    ['a body that is not JSON', '{"name":'],
    ['a key that no account has', '{"name":"polluted","role":"viewer","changedMs":0}'],
  ]
  for (const [what, body] of bodies) {
    const answer = await scene.ask('/api/accounts', { body, cookie })
    const fault =
      answer.code >= 400 && answer.code < 500
        ? /node_modules|\.ts:\d|\n\s+at /.test(answer.body) && answer.body
        : `${answer.code} ${answer.body}`
    check(clauses.input, `${what} is refused, and nothing of the program is shown`, fault)
  }
  const { body } = await scene.ask('/api/accounts', { cookie })
  check(clauses.properties, 'nothing of them was made', body.includes('polluted') && body)
  const paths = [
    '/api/log/__proto__',
    '/api/devices/__proto__/series?channel=constructor&from=0&to=1',
    '/api/fleet?__proto__[x]=1',
    '/api/export/constructor/prototype?from=0&to=1',
    '/api/subjects/__proto__/export?channel=x&from=0&to=1',
    '/api/gaps?from=-1&to=1e400',
    '/api/audit?limit=1e9',
  ]
  const failed: string[] = []
  for (const path of paths) {
    const { code } = await scene.ask(path, { cookie })
    if (code >= 500) failed.push(`${path}: ${code}`)
  }
  check(clauses.input, `${paths.length} hostile paths and queries fail nothing`, anyOf(failed))
  const escapes = [
    '/../../../../etc/passwd',
    '/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
    '/..%2f..%2f..%2fetc/passwd',
    '/assets/..\\..\\etc\\passwd',
  ]
  const found: string[] = []
  for (const path of escapes) if ((await scene.ask(path, { cookie })).body.includes('root:')) found.push(path)
  check(clauses.input, 'no path leads out of the page', anyOf(found))
}

/** [what, how long it lived, how long it may]; all at the same time. */
function slowRequests(installation: Installation): Promise<[string, number, number][]> {
  const all = Object.entries(listeners(installation)).flatMap(([name, port]) => {
    const head = `GET /health HTTP/1.1\r\nhost: localhost:${port}\r\n`
    const post = `POST /enrol HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-length: 9000\r\n\r\n`
    const one = async (what: string, start: string, more: string, msMax: number) =>
      [`${name}: ${what}`, await drip(port, start, more), msMax] as [string, number, number]
    const isMetrics = name.startsWith('metrics')
    return [
      one('a request whose headers never end', head, 'a: b\r\n', 8000),
      ...(isMetrics ? [] : [one('a request whose body never ends', post, 'a', 14_000)]),
    ]
  })
  return Promise.all(all)
}

/** How long a connection lives on which a few bytes come every fifth of a second. */
async function drip(port: number, head: string, more: string): Promise<number> {
  const startMs = performance.now()
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {})
  socket.write(head)
  const timer = setInterval(() => socket.write(more), 200)
  const late = setTimeout(() => socket.destroy(), 20_000)
  await new Promise((resolve) => socket.on('close', resolve).resume())
  clearInterval(timer)
  clearTimeout(late)
  return performance.now() - startMs
}

/** From one address; another one is answered while they are there. */
async function crowds(installation: Installation, check: Check): Promise<void> {
  for (const [name, port] of Object.entries(listeners(installation))) {
    const sockets = Array.from({ length: name === 'page' ? 700 : 200 }, () =>
      connectPlain({ port, host: '127.0.0.1', localAddress: '127.0.4.1' }),
    )
    let closed = 0
    for (const socket of sockets)
      socket
        .on('error', () => {})
        .on('close', () => closed++)
        .resume()
    await new Promise((resolve) => setTimeout(resolve, 400))
    const answer = await askPage({ port, ca: installation.ca }, '/health', { from: '127.0.4.2' }).catch((error: Error) => error)
    const isServed = !(answer instanceof Error) && answer.code < 500
    check(
      clauses.resources,
      `${name}: connections are bounded, and one address cannot take them all`,
      closed === 0 ? `${sockets.length} were held` : !isServed && `${answer}`,
    )
    for (const socket of sockets as Socket[]) socket.destroy()
  }
}
