#!/usr/bin/env -S node --max-semi-space-size=2
/**
 * The command line. A small young generation suits a broker: what it reads lives for one turn, and is collected soon.
 *
 *     millrace-broker run    [--config file]
 *     millrace-broker check  [--config file]
 *     millrace-broker passwd <users file> <user> --role role [--args a,b] [--password-file file]   (else standard input)
 */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import {
  createLog,
  createMetrics,
  firstLine,
  type Log,
  loadConfig,
  MillraceError,
  measureProcess,
  readArguments,
  readSecret,
  runService,
  type Service,
  systemClock,
} from '@millrace/platform'
import { passwordId } from './access/password.ts'
import { readUse } from './access/password-use.ts'
import { parseUsers } from './access/users-file.ts'
import { addPassword, addUser, type BrokerConfig, brokerSchema, type Role, retirePassword, startBroker } from './broker.ts'
import { checkListener } from './config.ts'
import { readPair } from './listener.ts'
import { printRefusals } from './refusals-command.ts'

const usage = {
  call: 'millrace-broker',
  words: ['run', 'check', 'refusals', 'passwd <users file> <user>', 'passwords <users file>', 'retire <users file> <user>'],
  purpose: `run starts the broker. check tests the configuration. refusals asks the metrics endpoint of the running one who was refused what. --config names
the file, YAML.
passwd sets the password of a user: the first line of --password-file, or of standard input. --role is node, host, device or admin;
--args are those of the role, such as ward/gateway-1. A known user keeps its role. With --add the password is a second one: both are valid until
retire ends the older one (or --password, by its id) and every session that was opened with it. passwords lists them, and when each was last used.`,
}

async function main(): Promise<void> {
  const { values, positionals } = readArguments(usage, {
    config: { type: 'string' },
    role: { type: 'string' },
    args: { type: 'string' },
    'password-file': { type: 'string' },
    add: { type: 'boolean', default: false },
    password: { type: 'string' },
    unused: { type: 'boolean', default: false },
  })
  const [command, file, user] = positionals
  if (command === 'passwd') return passwd(file!, user!, values)
  if (command === 'passwords') return printPasswords(file!)
  if (command === 'retire') {
    const ended = await retirePassword(file!, user!, { id: values.password, mayBeUnused: values.unused })
    process.stdout.write(`the password ${ended} of ${user} has ended\n`)
    return
  }
  const log = createLog('broker')
  const load = () => loadConfig(brokerSchema, values.config, process.env)
  if (command === 'refusals') return printRefusals(load())
  await runService(log, command, { check: () => check(load()), run: () => run(load(), log) })
}

async function run(config: BrokerConfig, log: Log): Promise<Service> {
  // Only password hashes use the pool, two at once; each thread more would keep 4 MiB of scrypt's memory for itself.
  process.env.UV_THREADPOOL_SIZE ??= '2'
  const metrics = createMetrics()
  measureProcess(metrics, log)
  const broker = await startBroker(config, { log, metrics, clock: systemClock })
  const { host } = config.listen
  const { port, webSocketPort, metricsPort } = broker
  log.info('listening', { host, port, tls: config.tls !== undefined, webSocketPort, metricsPort })
  if (config.dangerouslyAllowAnonymous)
    log.warn('clients without a user name are admitted with every right', { key: 'dangerouslyAllowAnonymous' })
  process.on('SIGHUP', () => void broker.reloadUsers())
  return { stop: () => broker.close(), ...(broker.failed ? { failed: broker.failed } : {}) }
}

function check(config: BrokerConfig): void {
  checkListener(config)
  if (config.tls) readPair(config.tls)
  const users = config.users === undefined ? 0 : parseUsers(readUsers(config.users), config.users).size
  process.stdout.write(`listens on ${config.listen.host}:${config.listen.port}, ${users} users\n`)
}

function readUsers(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new MillraceError('BROKER_USERS_NOT_FOUND', { path }, cause)
  }
}

async function passwd(
  file: string,
  name: string,
  given: { role?: string; args?: string; 'password-file'?: string; add: boolean },
): Promise<void> {
  const known = parseUsers(await readFile(file, 'utf8').catch(() => ''), file).get(name)
  const role = (given.role ?? known?.role ?? '') as Role
  const args = given.args?.split(',') ?? (given.role === undefined ? known?.args : undefined)
  const from = given['password-file']
  const password = from === undefined ? firstLine(await text(process.stdin)) : readSecret(from, '--password-file')
  if (password === '') throw new MillraceError('BROKER_USER_INVALID', { name, detail: 'the password is empty' })
  if (given.add) await addPassword(file, name, password)
  else await addUser(file, { name, password, role, args })
}

/** The older one of a user first. */
async function printPasswords(file: string): Promise<void> {
  const used = await readUse(file)
  for (const { name, role, hashes } of parseUsers(readUsers(file), file).values())
    for (const id of hashes.map(passwordId)) {
      const lastMs = used.lastMs(name, id)
      process.stdout.write(
        `${name}  ${role}  ${id}  ${lastMs === undefined ? 'never used' : `used ${new Date(lastMs).toISOString()}`}\n`,
      )
    }
}

main().catch((error: Error) => {
  process.stderr.write(`${error instanceof MillraceError ? error.message : error.stack}\n`)
  process.exitCode = 1
})
