/**
 * Gateways with certificates, as people have them: enrolment by a pasted token, renewal, kills, 60 days off, revocation. Broker, endpoint
 * and agents are real processes with one wall clock, which the test sets.
 */
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeToken, readToken } from '@millrace/contract/join-token'
import { readArguments } from '@millrace/platform'
import { wallClock } from '../failures/clock-drill/wall-clock.ts'
import { type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { connectWith, measureRevocation, quantile } from './certificates/revocation.ts'
import { type Gateway, Site } from './certificates/site.ts'

const { values } = readArguments(
  { call: 'npm run break -- certificates' },
  { rounds: { type: 'string', default: '50' }, kills: { type: 'string', default: '12' } },
)
const dayMs = 86_400_000
const serialOf = (gateway: Gateway) => new X509Certificate(readFileSync(gateway.credential)).serialNumber

await program('certificates', async (test) => {
  const clock = wallClock(join(test.dir, 'clock'))
  const site = new Site(test, clock.command)
  await site.open()
  await Promise.all([site.broker.start(), site.endpoint.start()])
  const away = await enrolment(test, site)
  await killedEnrolment(test, site)
  await ownTopics(test, site)
  await revocation(test, site)
  await offForLong(test, site, away, clock.set)
  clock.set(0)
  await restart(site)
  await renewal(test, site)
})

async function restart(site: Site): Promise<void> {
  await Promise.all([site.broker.stop(), site.endpoint.stop()])
  await Promise.all([site.broker.start(), site.endpoint.start()])
}

/** @returns three gateways that were connected and are off now */
async function enrolment(test: Program, site: Site) {
  const [back, revoked, long] = ['back', 'revoked', 'long'].map((name) => site.gateway(name)) as [Gateway, Gateway, Gateway]
  const token = await site.token('ward/back')
  const { code, said } = await back.setup(token)
  test.check(code === 0, `a token of ${token.length} characters enrols a gateway${code === 0 ? '' : `: ${said}`}`)
  await back.agent.start()
  test.check(await back.connected(), 'it connects with its certificate and no password')
  const again = await site.gateway('thief').setup(token)
  test.check(again.code !== 0 && /used before/.test(again.said), 'the same token is refused to another gateway')
  const late = await site.token('ward/late', '1s')
  await new Promise((resolve) => setTimeout(resolve, 1500))
  test.check(/time of the token is over/.test((await site.gateway('late').setup(late)).said), 'a token past its time is refused')
  const raced = await site.token('ward/raced')
  const racers = await Promise.all(['racer-1', 'racer-2', 'racer-3'].map((name) => site.gateway(name).setup(raced)))
  test.check(racers.filter((racer) => racer.code === 0).length === 1, 'of three that race with one token one is enrolled')
  await wrongFingerprint(test, site)
  for (const [name, gateway] of [
    ['revoked', revoked],
    ['long', long],
  ] as const) {
    await gateway.setup(await site.token(`ward/${name}`))
    await gateway.agent.start()
    test.check(await gateway.connected(), `${name} connects`)
  }
  await Promise.all([back, revoked, long].map(({ agent }) => agent.stop()))
  return { back, revoked, long }
}

async function wrongFingerprint(test: Program, site: Site): Promise<void> {
  const join_ = readToken(await site.token('ward/astray'))
  const enrolment = { ...join_.enrolment!, fingerprint: 'ab'.repeat(32) }
  const { code, said } = await site.gateway('astray').setup(makeToken({ ...join_, enrolment }))
  const asked = readFileSync(join(test.dir, 'logs/ca.log'), 'utf8').split('"certificate given"').length
  test.check(code !== 0 && /not the one of the token/.test(said), 'an authority with another fingerprint is refused')
  const right = await site.gateway('found').setup(makeToken(join_))
  const askedAfter = readFileSync(join(test.dir, 'logs/ca.log'), 'utf8').split('"certificate given"').length
  test.check(right.code === 0 && askedAfter === asked + 1, 'and was not told the secret: the token is still good')
}

async function killedEnrolment(test: Program, site: Site): Promise<void> {
  const token = await site.token('ward/killed')
  const gateway = site.gateway('killed')
  const kills = Number(values.kills)
  for (let kill = 0; kill < kills; kill++) await gateway.setup(token, 150 + (900 * kill) / kills)
  const { code, said } = await gateway.setup(token)
  test.check(code === 0, `enrolment killed ${kills} times goes on with the same token${code === 0 ? '' : `: ${said}`}`)
  const list = JSON.parse((await site.millrace('ca', 'list', '--json')).said) as { name: string }[]
  test.check(list.filter(({ name }) => name === 'ward/killed').length === 1, 'and has one certificate')
}

async function ownTopics(test: Program, site: Site): Promise<void> {
  await site.millrace('ca', 'issue', 'ward/own', '--to', site.path('issued'))
  const client = await connectWith(site, `mqtts://127.0.0.1:${site.ports.mqtt}`, join(site.path('issued'), 'ward-own'))
  await client.publishAsync('spBv1.0/ward/NDATA/own', 'x', { qos: 1 })
  const [granted] = await client.subscribeAsync('spBv1.0/ward/NCMD/back/#').catch(() => [{ qos: 128 }])
  const closed = new Promise<boolean>((resolve) => client.once('close', () => resolve(true)))
  client.publish('spBv1.0/ward/NDATA/back', 'x')
  test.check(granted?.qos === 128, 'a certificate does not read the commands of another node')
  test.check(await closed, 'nor writes its topics: it is closed')
  await site.millrace('ca', 'issue', '10.0.0.1', '--server', '--to', site.path('issued'))
  const refused = await connectWith(site, `mqtts://127.0.0.1:${site.ports.mqtt}`, join(site.path('issued'), '10.0.0.1')).catch(
    (error: Error) => error.message,
  )
  test.check(typeof refused === 'string', `the certificate of a server is refused: ${refused}`)
}

async function revocation(test: Program, site: Site): Promise<void> {
  for (const { listener, fromStartMs, fromEndMs } of await measureRevocation(site, Number(values.rounds))) {
    const [started, ended] = [quantile(fromStartMs, 0.99), quantile(fromEndMs, 0.99)]
    test.say(
      `${listener}: p99 ${started.toFixed(0)} ms from the start of the command, ${ended.toFixed(0)} ms from its end; median ${quantile(fromStartMs, 0.5).toFixed(0)} ms`,
    )
    test.check(ended < 1000, `${listener}: ${fromEndMs.length} sessions were closed within a second of the command`)
  }
}

/** They were off for 60 days, past the life of their certificates; then one for 120, past the grace. */
async function offForLong(
  test: Program,
  site: Site,
  { back, revoked, long }: Record<'back' | 'revoked' | 'long', Gateway>,
  set: (wrongByMs: number) => void,
): Promise<void> {
  await site.millrace('ca', 'revoke', 'ward/revoked', '--reason', 'stolen')
  const before = serialOf(back)
  set(60 * dayMs)
  await restart(site)
  await Promise.all([back.agent.start(), revoked.agent.start()])
  test.check((await back.connected()) && serialOf(back) !== before, 'a gateway that was off for 60 days returns by itself')
  test.check(!(await revoked.connected(10_000)), 'a revoked one does not')
  const said = () => readFileSync(join(test.dir, 'logs/revoked.log'), 'utf8')
  test.check(/were revoked/.test(said()), 'and its log says why')
  await Promise.all([back.agent.stop(), revoked.agent.stop()])
  set(120 * dayMs)
  await restart(site)
  await long.agent.start()
  test.check(!(await long.connected(10_000)), 'one that was off for 120 days does not either')
  test.check(
    /ended too long ago/.test(readFileSync(join(test.dir, 'logs/long.log'), 'utf8')),
    'and its log says that a new token is due',
  )
  await long.agent.stop()
}

/** Certificates of 12 s: the agent is killed again and again over many lives of them. */
async function renewal(test: Program, site: Site): Promise<void> {
  site.change('ca.yaml', { certificateDays: 12 / 86_400 })
  await restart(site)
  const gateway = site.gateway('short')
  await gateway.setup(await site.token('ward/short'))
  const serials = new Set([serialOf(gateway)])
  let isAlwaysThere = true
  for (let kill = 0; kill < Number(values.kills); kill++) {
    await gateway.agent.start()
    const isBack = await gateway.connected()
    if (!isBack) test.check(false, `after kill ${kill} it connects again`)
    for (const endMs = performance.now() + 4_000 + 700 * (kill % 5); performance.now() < endMs; ) {
      isAlwaysThere &&= existsSync(gateway.credential)
      serials.add(serialOf(gateway))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await gateway.agent.kill()
  }
  await gateway.agent.start()
  test.check(await gateway.connected(), `it connects after ${values.kills} kills`)
  test.check(serials.size > 2, `${serials.size} certificates of 12 s followed each other`)
  test.check(isAlwaysThere, 'at no moment was there none')
  await until('one more is promoted while it runs', () => !serials.has(serialOf(gateway)), { withinMs: 60_000 })
  test.check(await gateway.connected(), 'and it is connected over the end of the earlier one')
}
