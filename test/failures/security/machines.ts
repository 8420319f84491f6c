/** Gateways and devices: tokens, certificates, passwords, and what ends them. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeToken, readToken } from '@millrace/contract/join-token'
import type { MqttClient } from 'mqtt'
import { requestFor } from '../../../edge-agent/src/credential/request.ts'
import { connectWith, measureRevocation } from '../../e2e/certificates/revocation.ts'
import type { Site } from '../../e2e/certificates/site.ts'
import { askPage } from './ask.ts'
import { folderIn, mains, password, runProgram, type Scene } from './scene.ts'
import { anyOf, type Check, clauses, type Group, unlike } from './sheet.ts'

const millrace = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url))
const brokerMain = fileURLToPath(import.meta.resolve(mains.broker))
const endMsMax = 1000

export const machinesGroup: Group = {
  name: 'machines',
  async run(scene, check) {
    const { site } = await scene.installation()
    await tokens(scene, site, check)
    await endpoint(scene, check)
    await certificates(scene, site, check)
    await revocation(site, check)
    await passwords(scene, site, check)
  },
}

async function tokens(_scene: Scene, site: Site, check: Check): Promise<void> {
  const [token, late, revoked] = [
    await site.token('ward/once'),
    await site.token('ward/late', '1s'),
    await site.token('ward/ended'),
  ]
  const first = await site.gateway('once').setup(token)
  const again = await site.gateway('thief').setup(token)
  check(
    clauses.mqttClient,
    'a token is good once',
    first.code === 0 ? unlike(`${again.code} ${again.said}`, /^[^0].*used before/s) : first.said,
  )
  const expired = await site.gateway('late').setup(late)
  check(clauses.mqttClient, 'a token past its time is refused', unlike(expired.said, /time of the token is over/))
  await site.millrace('ca', 'revoke', 'ward/ended')
  const ended = await site.gateway('ended').setup(revoked)
  check(
    clauses.mqttClient,
    'the token of a revoked gateway is refused',
    unlike(`${ended.code} ${ended.said}`, /^[^0].*token is not known/s),
  )
  const wanted = readToken(await site.token('ward/astray'))
  const foreign = makeToken({ ...wanted, enrolment: { ...wanted.enrolment!, fingerprint: 'ab'.repeat(32) } })
  const astray = await site.gateway('astray').setup(foreign)
  check(
    clauses.mqttServer,
    'a gateway refuses an authority that is not the one of its token',
    unlike(`${astray.code} ${astray.said}`, /^[^0].*not the one of the token/s),
  )
}

/** As no gateway asks. */
async function endpoint(scene: Scene, check: Check): Promise<void> {
  const { site, ca } = await scene.installation()
  const post = (path: string, body: object | string) => askPage({ port: site.ports.ca, ca }, path, { body })
  const { secret } = readToken(await site.token('ward/mine')).enrolment!
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const other = await post('/enrol', { secret, request: requestFor('ward/other', key) })
  const { certificate } = JSON.parse(other.body) as { certificate?: string }
  const subject = certificate ? new X509Certificate(certificate).subject : other.body
  check(clauses.mqttClient, 'a token gives no certificate of another node than its own', unlike(subject, /^CN=ward\/mine$/))
  const unsigned = requestFor('ward/mine', key).replace(/(?<=\n)[\w+/]{8}(?=[\w+/=]*\n-----END)/, 'AAAAAAAA')
  const bodies: [string, object | string][] = [
    ['a guessed secret', { secret: 'A'.repeat(27), request: requestFor('ward/x', key) }],
    ['a request that its key did not sign', { secret, request: unsigned }],
    ['__proto__ instead of a body', '{"__proto__":{"secret":"x"}}'],
    ['a body of 100 KiB', { secret, request: 'x'.repeat(102_400) }],
    ['a key that no request has', { secret, request: requestFor('ward/x', key), name: 'ward/x' }],
  ]
  const taken: string[] = []
  for (const [what, body] of bodies) {
    const { code } = await post('/enrol', body).catch(() => ({ code: 400 }))
    if (code !== 400 && code !== 403) taken.push(`${what}: ${code}`)
  }
  check(clauses.input, `enrolment endpoint: ${bodies.length} hostile requests are refused`, anyOf(taken))
}

async function certificates(scene: Scene, site: Site, check: Check): Promise<void> {
  const url = `mqtts://127.0.0.1:${site.ports.mqtt}`
  const issued = site.path('issued')
  const refused = (file: string) =>
    connectWith(site, url, file).then(
      (client) => client.endAsync(true).then(() => 'it is let in'),
      () => undefined,
    )
  await site.millrace('ca', 'issue', '10.0.0.1', '--server', '--to', issued)
  check(clauses.mqttClient, 'the certificate of a server lets no client in', await refused(join(issued, '10.0.0.1')))
  const foreign = folderIn(scene.dir, 'foreign')
  for (const args of [['init'], ['issue', 'ward/bed1', '--to', foreign]])
    await runProgram([millrace, 'ca', ...args, '--data', foreign], scene.dir)
  check(clauses.mqttClient, 'the certificate of another authority lets nobody in', await refused(join(foreign, 'ward-bed1')))
  await site.millrace('ca', 'issue', 'nobody', '--to', issued)
  check(
    clauses.mqttClient,
    'a certificate whose name is neither a user nor a node lets nobody in',
    await refused(join(issued, 'nobody')),
  )
  await site.millrace('ca', 'issue', 'ward/own', '--to', issued)
  const own = await connectWith(site, url, join(issued, 'ward-own'))
  const closed = closing(own)
  own.publish('spBv1.0/ward/NDATA/bed1', 'x')
  check(
    clauses.mqttRights,
    'a certificate that writes the topics of another node is closed',
    (await within(closed, 3000)) ? undefined : 'it is not',
  )
}

async function revocation(site: Site, check: Check): Promise<void> {
  for (const { listener, fromEndMs } of await measureRevocation(site, 3)) {
    const worst = Math.max(...fromEndMs)
    check(
      clauses.mqttClient,
      `a revoked certificate is closed within a second: ${listener}`,
      worst > endMsMax && `after ${Math.round(worst)} ms`,
    )
  }
  const again = await connectWith(site, `mqtts://127.0.0.1:${site.ports.mqtt}`, join(site.path('issued'), 'revoked-r0')).then(
    () => 'it is let in',
    () => undefined,
  )
  check(clauses.mqttClient, 'and is not let in again', again)
}

const closing = (client: MqttClient) => new Promise<number>((resolve) => client.once('close', () => resolve(performance.now())))
const within = (closed: Promise<number>, ms: number) =>
  Promise.race([closed, new Promise<undefined>((resolve) => setTimeout(resolve, ms, undefined))])

async function passwords(scene: Scene, site: Site, check: Check): Promise<void> {
  const users = site.path('broker.users')
  const second = 'the second password'
  const set = (...more: string[]) => runProgram([brokerMain, ...more], scene.dir)
  const file = (text: string) => scene.file(`${text}\n`)
  await set('passwd', users, 'two', '--role', 'node', '--args', 'ward/two', '--password-file', file(password))
  await set('passwd', users, 'two', '--add', '--password-file', file(second))
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const enter = (clientId: string, given?: string) => scene.connect('two', { clientId }, given).catch(() => undefined)
  const [older, newer] = [await enter('older'), await enter('newer', second)]
  check(clauses.mqttClient, 'two passwords of a user are valid at once', older && newer ? undefined : 'one is refused')
  if (!older || !newer) return
  const closed = closing(older)
  await set('retire', users, 'two', '--unused')
  const endedMs = performance.now()
  const closedMs = await within(closed, 5000)
  check(
    clauses.mqttClient,
    'a retired password ends the sessions that it opened',
    closedMs === undefined || closedMs - endedMs > 1500 ? `${closedMs && closedMs - endedMs} ms` : undefined,
  )
  check(clauses.mqttClient, 'and leaves those of the other one', !newer.connected && 'it ended')
  const late = await scene.connect('two', { clientId: 'late' }).then(
    () => 'it is let in',
    () => undefined,
  )
  check(clauses.mqttClient, 'and opens no more', late)
  await newer.endAsync(true)
}
