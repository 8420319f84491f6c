/** `millrace ca`: an authority of one's own, and what it signs, in `<data>/ca`. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createLog, loadConfig, MillraceError, makeFolder, readArguments, runService, systemClock } from '@millrace/platform'
import { json, print } from '../asking.ts'
import { type Command, lanData } from '../command.ts'
import { durationMsOf } from '../durations.ts'
import type { Register } from './register.ts'

const purpose = `init makes the authority in <data>/ca, whose certificate devices trust; one that is there stays.
token prints one text to paste into \`millrace-agent setup\` or \`enrol\` on that gateway: good once, for --ttl. Pass it on as a password.
issue makes a key and a certificate into --to for a client without the agent, or with --server for a server with these --name.
renew makes a new certificate for the broker, with the names that it has. revoke ends every certificate of a name, at once.
list shows what was signed. serve is the endpoint where gateways get and renew their certificates; millrace run starts it.`
const words = ['init', 'token <group/node>', 'issue <name> --to <folder>', 'renew', 'revoke <name>', 'list', 'serve']
const options = {
  data: { type: 'string', default: lanData },
  json,
  ttl: { type: 'string', default: '1h' },
  url: { type: 'string' },
  'broker-url': { type: 'string' },
  to: { type: 'string' },
  server: { type: 'boolean', default: false },
  name: { type: 'string', multiple: true, default: [] as string[] },
  days: { type: 'string', default: '365' },
  reason: { type: 'string' },
} as const
const say = (text: string) => process.stdout.write(`${text}\n`)

export const caCommands: Record<string, Command> = {
  ca: {
    usage: `<${words.map((form) => form.split(' ')[0]).join('|')}>`,
    purpose: 'an authority of your own: certificates of the broker and of gateways, enrolment, renewal, revocation',
    run: runCa,
  },
}

function readCa(args: string[]) {
  return readArguments({ call: 'millrace ca', words, purpose, args }, options)
}
type Given = ReturnType<typeof readCa>

async function runCa(args: string[]): Promise<number> {
  const given = readCa(args)
  const [what, name = ''] = given.positionals
  const dir = join(resolve(given.values.data), 'ca')
  if (what === 'init') return init(dir)
  const { authorityIn } = await import('./authority.ts')
  if (!existsSync(authorityIn(dir).keyFile)) throw new MillraceError('CA_ABSENT', { path: dir })
  if (what === 'serve') return serve(dir, given)
  if (what === 'renew') return renewServer(dir)
  const [{ Register }, { registerIn }] = await Promise.all([import('./register.ts'), import('./init.ts')])
  const register = new Register(registerIn(dir), systemClock)
  try {
    if (what === 'list') return list(register, given)
    if (what === 'revoke') return await revoke(dir, name, register, given)
    if (what === 'token') return await token(dir, name, register, given)
    return await issue(dir, name, register, given)
  } finally {
    register.close()
  }
}

async function init(dir: string): Promise<number> {
  const { authorityIn } = await import('./authority.ts')
  const { initCa } = await import('./init.ts')
  const isNew = await initCa(dir, 'Millrace')
  say(`${isNew ? 'made' : 'there already'}: ${authorityIn(dir).certFile}`)
  return 0
}

async function token(dir: string, node: string, register: Register, { values, refuse }: Given): Promise<number> {
  const lifeMs = durationMsOf('--ttl', values.ttl)
  if (lifeMs > 7 * 86_400_000) refuse(`--ttl ${values.ttl}: at most 7d`)
  const { gatewayToken } = await import('./token.ts')
  say(gatewayToken({ dir, node, register, lifeMs, url: values.url, brokerUrl: values['broker-url'] }))
  return 0
}

async function issue(dir: string, name: string, register: Register, { values, refuse }: Given): Promise<number> {
  const to = values.to ?? refuse('--to is missing: the folder for key and certificate')
  const days = Number(values.days)
  if (!(days > 0 && days <= 3650)) refuse(`--days ${values.days}: a number of days, at most 3650`)
  makeFolder(to)
  const { issueTo } = await import('./issue.ts')
  const { certFile, keyFile } = await issueTo({ dir, to, name, register, days, servers: values.server ? values.name : undefined })
  say(`made: ${certFile}, ${keyFile}`)
  return 0
}

async function renewServer(dir: string): Promise<number> {
  const { renewIn } = await import('./issue.ts')
  const { names, certFile } = await renewIn(dir)
  say(`made: ${certFile}, for ${names.join(', ')}; start the broker and the endpoint again to use it`)
  return 0
}

async function revoke(dir: string, name: string, register: Register, { values }: Given): Promise<number> {
  const count = register.revoke(name, values.reason)
  const { writeLists } = await import('./lists.ts')
  await writeLists(dir, register)
  say(count > 0 ? `revoked: ${count} certificates of ${name}` : `${name} has no certificate that is not revoked already`)
  return count > 0 ? 0 : 1
}

function list(register: Register, { values }: Given): number {
  const nowMs = systemClock.now()
  const rows = register.list().map(({ name, serial, untilMs, revokedMs, reason }) => ({
    name,
    serial,
    until: new Date(untilMs).toISOString(),
    days: Math.floor((untilMs - nowMs) / 86_400_000),
    state: revokedMs !== null ? 'revoked' : untilMs < nowMs ? 'ended' : 'valid',
    reason,
  }))
  print(values.json, rows, () => rows.map((row) => Object.values(row).join('  ').trimEnd()).join('\n') || 'nothing was signed')
  return 0
}

async function serve(dir: string, { values }: Given): Promise<number> {
  const [{ caSchema }, { serveCa }, { Register }, { registerIn }] = await Promise.all([
    import('./config.ts'),
    import('./serve.ts'),
    import('./register.ts'),
    import('./init.ts'),
  ])
  const log = createLog('ca')
  await runService(log, 'run', {
    check() {},
    async run() {
      const config = loadConfig(caSchema, join(resolve(values.data), 'ca.yaml'), process.env)
      const register = new Register(registerIn(dir), systemClock)
      const endpoint = await serveCa(config, { dir, register, clock: systemClock, log })
      log.info('certificates are given', { host: config.listen.host, port: endpoint.port })
      return {
        async stop() {
          await endpoint.close()
          register.close()
        },
      }
    },
  })
  return new Promise(() => {})
}
