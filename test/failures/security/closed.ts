/** What refuses to start: a listener that strangers could reach, and a password that would go to another machine in clear text. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Main, runProgram, type Scene } from './scene.ts'
import { type Check, clauses, type Group, unlike } from './sheet.ts'

const millrace = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url))
const everywhere = '0.0.0.0'
const notLoopback = /LISTENER_NOT_LOOPBACK|is not loopback|can be reached/i

interface Case {
  what: string
  main: Main
  config: object
}

/** One after the other: each is a start of a whole process. */
async function eachRefused(scene: Scene, check: Check, clause: string, cases: Case[], wanted: RegExp): Promise<void> {
  await twoAtATime(cases, async ({ what, main, config }) => {
    const { code, said } = await scene.say(main, 'run', config)
    check(clause, `${main}: ${what}`, code === 0 ? `it starts: ${said.slice(-200)}` : unlike(said, wanted))
  })
}

async function twoAtATime<T>(all: T[], act: (one: T) => Promise<void>): Promise<void> {
  const left = [...all]
  const work = async () => {
    for (let one = left.shift(); one; one = left.shift()) await act(one)
  }
  await Promise.all([work(), work()])
}

export const closedGroup: Group = {
  name: 'closed by default',
  async run(scene, check) {
    const { site } = await scene.installation()
    const tls = { certFile: site.path('broker.crt'), keyFile: site.path('broker.key') }
    const users = site.path('broker.users')
    const listen = { host: everywhere, port: 0 }
    const local = { port: 0 }
    const credential = { name: 'scraper', passwordFile: scene.file('long enough\n') }
    const dataDir = (name: string) => join(scene.dir, name)
    let pages = 0
    const page = (web: object) => ({
      dataDir: dataDir(`closed-${++pages}`),
      bridge: { url: 'mqtt://127.0.0.1:9' },
      web: { port: 0, host: everywhere, ...web },
    })
    const cases: Case[] = [
      { what: 'beyond loopback without TLS and users', main: 'broker', config: { listen } },
      { what: 'beyond loopback with TLS and without users', main: 'broker', config: { listen, tls } },
      { what: 'beyond loopback with users and without TLS', main: 'broker', config: { listen, users } },
      {
        what: 'beyond loopback with anonymous clients',
        main: 'broker',
        config: { listen, tls, users, dangerouslyAllowAnonymous: true },
      },
      { what: 'WebSocket beyond loopback', main: 'broker', config: { listen: local, websocket: listen, users } },
      {
        what: 'metrics endpoint beyond loopback',
        main: 'broker',
        config: { listen: local, metrics: { host: everywhere, port: 1 } },
      },
      {
        what: 'metrics endpoint without a credential',
        main: 'broker',
        config: { listen: local, metrics: { host: everywhere, port: 1, tls } },
      },
      {
        what: 'metrics endpoint without TLS',
        main: 'broker',
        config: { listen: local, metrics: { host: everywhere, port: 1, credential } },
      },
      { what: 'page beyond loopback', main: 'processor', config: page({}) },
      { what: 'page with TLS and without a login', main: 'processor', config: page({ tls }) },
      { what: 'page with a login and without TLS', main: 'processor', config: page({ login: 'required' }) },
      { what: 'page with a credential and without TLS', main: 'processor', config: page({ credential }) },
      {
        what: 'its page and metrics beyond loopback',
        main: 'agent',
        config: { dataDir: dataDir('closed-agent'), metrics: { host: everywhere, port: 1 } },
      },
    ]
    await eachRefused(scene, check, clauses.defaults, cases, notLoopback)
    const { said } = await scene.say('broker', 'run', { listen: local, websocket: local })
    check(clauses.services, 'broker: without a word it listens on loopback alone', unlike(said, /"host":"127\.0\.0\.1"/))
    const folder = dataDir('no-tls')
    await runProgram([millrace, 'ca', 'init', '--data', folder], scene.dir)
    const ca = await runProgram([millrace, 'ca', 'serve', '--data', folder], scene.dir)
    check(
      clauses.defaults,
      'enrolment endpoint: without TLS it does not start',
      ca.code === 0 ? 'it starts' : unlike(ca.said, /tls|ca\.yaml/),
    )
  },
}

const elsewhere = '192.0.2.7'
const secret = 'a secret for this'
const clear = /readable|read on the way|need tls|reads and changes|another machine|insecure/i

export const clearTextGroup: Group = {
  name: 'clear text',
  async run(scene, check) {
    const bridge = (url: string) => ({ bridge: { url, username: 'host', password: secret } })
    const uplink = (url: string) => ({ uplink: { url, username: 'node', password: secret } })
    const notifier = (one: object) => ({ notifier: { to: [one] } })
    const passwordFile = scene.file(secret)
    const cases: Case[] = [
      { what: 'a password by mqtt:// to another machine', main: 'agent', config: uplink(`mqtt://${elsewhere}:1883`) },
      { what: 'a password by ws:// to another machine', main: 'agent', config: uplink(`ws://${elsewhere}:8083`) },
      {
        what: 'a password in an address of mqtt://',
        main: 'agent',
        config: { uplink: { url: `mqtt://node:word@${elsewhere}:1883` } },
      },
      { what: 'a password by mqtt:// to another machine', main: 'processor', config: bridge(`mqtt://${elsewhere}:1883`) },
      {
        what: 'a password file by mqtt:// to a name',
        main: 'processor',
        config: { bridge: { url: 'mqtt://broker.example', username: 'host', passwordFile } },
      },
      {
        what: 'OpenSearch by http://',
        main: 'processor',
        config: { documents: { kind: 'opensearch', nodes: [`http://${elsewhere}:9200`] } },
      },
      {
        what: 'a token of a webhook by http://',
        main: 'processor',
        config: notifier({ kind: 'webhook', url: `http://${elsewhere}/`, tokenFile: passwordFile }),
      },
    ]
    await twoAtATime(cases, async ({ what, main, config }) => {
      const { code, said } = await scene.say(main, 'check', config)
      const fault = code === 0 ? 'it is taken' : said.includes(secret) ? 'the refusal shows the secret' : unlike(said, clear)
      check(clauses.transfer, `${main}: ${what}`, fault)
    })
    // The engines refuse as they are opened.
    const engines: Case[] = [
      { what: 'Kafka without TLS', main: 'processor', config: { log: { kind: 'kafka', brokers: [`${elsewhere}:9092`] } } },
      {
        what: 'InfluxDB by http://',
        main: 'processor',
        config: { store: { kind: 'influxdb', url: `http://${elsewhere}:8086`, token: secret } },
      },
    ]
    const dataDir = (at: number) => join(scene.dir, `engine-${at}`)
    const own = engines.map((one, at) => ({ ...one, config: { ...one.config, dataDir: dataDir(at), web: { port: 0 } } }))
    await eachRefused(scene, check, clauses.transfer, own, clear)
    const { code, said } = await scene.say('agent', 'check', uplink(`mqtts://${elsewhere}:8883`))
    check(clauses.transfer, 'agent: the same by mqtts:// is taken', code === 0 ? undefined : said)
    const addresses = [
      'http://169.254.169.254/',
      'http://[::ffff:169.254.169.254]/',
      'http://2852039166/',
      'http://metadata.google.internal/',
      'http://[fe80::1]/',
    ]
    const taken = await scene.say('processor', 'check', notifier({ kind: 'webhook', url: 'https://192.0.2.7/' }))
    check(clauses.requests, 'processor: a webhook to another address is taken', taken.code === 0 ? undefined : taken.said)
    await twoAtATime(addresses, async (url) => {
      const refused = await scene.say('processor', 'check', notifier({ kind: 'webhook', url }))
      check(
        clauses.requests,
        `processor: a webhook to ${url}`,
        refused.code === 0 ? 'it is taken' : unlike(refused.said, /notifier\.to\.0\.url.*link-local/is),
      )
    })
  },
}
