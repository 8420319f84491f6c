/** Configurations with a mistake: refused, and what may be a secret is not shown. */
import { checkConfig } from '@millrace/platform'
import type { z } from 'zod'
import { brokerSchema } from '../../../broker/src/config.ts'
import { caSchema } from '../../../cli/src/ca/config.ts'
import { processorSchema } from '../../../cloud-processor/src/config.ts'
import { agentSchema } from '../../../edge-agent/src/config.ts'
import { misspellings } from '../../tidy/misspelt-keys.ts'
import type { Main } from './scene.ts'
import { anyOf, clauses, type Group, unlike } from './sheet.ts'

const secret = 'k0nfidential-5ecret'
const schemas: Record<string, z.ZodType> = {
  agent: agentSchema,
  broker: brokerSchema,
  processor: processorSchema,
  authority: caSchema,
}

/** Keys as people misspell them, in the files that real processes read. */
const misspelt: { what: string; main: Main; config: object; key: string }[] = [
  {
    what: 'a misspelt secret key of the agent',
    main: 'agent',
    config: { uplink: { url: 'mqtt://127.0.0.1', pasword: secret } },
    key: 'uplink.pasword',
  },
  {
    what: 'a misspelt secret key of the bridge',
    main: 'processor',
    config: { bridge: { passwrod: secret } },
    key: 'bridge.passwrod',
  },
  {
    what: 'a misspelt credential of the page',
    main: 'processor',
    config: { web: { credentail: { name: 'x', passwordFile: secret } } },
    key: 'web.credentail',
  },
  { what: 'a misspelt login of the page', main: 'processor', config: { web: { loginn: secret } }, key: 'web.loginn' },
  {
    what: 'a misspelt credential of the metrics endpoint',
    main: 'broker',
    config: { metrics: { port: 1, credentail: secret } },
    key: 'metrics.credentail',
  },
  { what: 'a misspelt TLS of the broker', main: 'broker', config: { tsl: { keyFile: secret } }, key: 'tsl' },
]

/** A key beside a secret is wrong: the error must not quote the section. */
const beside: { what: string; main: Main; config: object }[] = [
  { what: 'the agent’s uplink', main: 'agent', config: { uplink: { url: 7, username: 'node', password: secret } } },
  { what: 'the bridge', main: 'processor', config: { bridge: { url: 'nothing', username: 'host', password: secret } } },
  { what: 'the store', main: 'processor', config: { store: { kind: 'influxdb', url: 'nothing', token: secret } } },
  {
    what: 'a webhook',
    main: 'processor',
    config: { notifier: { to: [{ kind: 'webhook', url: 'nothing', headers: { 'x-key': secret } }] } },
  },
  { what: 'an address with a password', main: 'processor', config: { bridge: { url: `http://host:${secret}@192.0.2.7` } } },
]

export const configurationGroup: Group = {
  name: 'configuration',
  async run(scene, check) {
    for (const { what, main, config, key } of misspelt) {
      const { code, said } = await scene.say(main, 'check', config)
      const fault =
        code === 0
          ? 'it is taken'
          : said.includes(secret)
            ? `the secret is shown: ${said}`
            : unlike(said, new RegExp(key.replaceAll('.', '\\.')))
      check(clauses.defaults, `${what} is refused, and its value not shown`, fault)
    }
    for (const { what, main, config } of beside) {
      const { code, said } = await scene.say(main, 'check', config)
      check(
        clauses.storage,
        `a wrong key beside the secret of ${what} does not show it`,
        code === 0 ? 'it is taken' : said.includes(secret) && said,
      )
    }
    const broken = await scene.say('agent', 'check', `uplink:\n  password: ${secret}: ${secret}\n  url: "x\n`)
    check(
      clauses.storage,
      'a file that is not YAML is not quoted',
      broken.code === 0 ? 'it is taken' : broken.said.includes(secret) && broken.said,
    )
    for (const [name, schema] of Object.entries(schemas)) everyKey(name, schema, check)
  },
}

/** With a secret as the value of each misspelt key of the whole schema. */
function everyKey(
  name: string,
  schema: z.ZodType,
  check: (clause: string, what: string, fault: string | undefined) => void,
): void {
  const all = misspellings(schema).filter(({ path }) => !/^devices\.0\.(?:bus|decoder|filters)\./.test(path))
  const wrong = all.flatMap(({ path, raw }) => {
    const given = JSON.parse(JSON.stringify(raw).replaceAll('"text"', JSON.stringify(secret)))
    try {
      checkConfig(schema, given, name)
      return [`${path} is ignored`]
    } catch (error) {
      return `${error}`.includes(secret) ? [`${path} shows it`] : []
    }
  })
  check(
    clauses.defaults,
    `each key of the ${name} misspelt is refused and shows no secret: ${all.length} configurations`,
    all.length < 10 ? 'there are none' : anyOf(wrong),
  )
}
