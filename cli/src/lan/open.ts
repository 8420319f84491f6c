/**
 * `millrace broker open`: a broker and a processor for the local network, by TLS and with accounts, in one folder:
 *
 *   ca/                            the authority; devices get ca/ca.crt
 *   broker.crt broker.key          for the names and addresses of this machine
 *   broker.users  processor.password
 *   broker.yaml  processor.yaml  ca.yaml    written once; yours from then on
 *
 * Called again it renews the certificate of the broker, and leaves everything else as it is.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import { addUser } from '@millrace/broker/broker'
import { makeFolder } from '@millrace/platform'
import { stringify } from 'yaml'
import { authorityIn, issueServer } from '../ca/authority.ts'
import { initCa } from '../ca/init.ts'
import { listsIn } from '../ca/lists.ts'

export interface OpenOptions {
  data: string
  /** Names and addresses by which devices reach this machine, besides those that it knows of itself. */
  names: string[]
  port: number
  webPort: number
  /** Of the endpoint where gateways get certificates. */
  caPort: number
}

export interface Opened {
  dir: string
  names: string[]
  /** Files that were made now. */
  made: string[]
}

const hostUser = 'processor'
export const hostId = 'millrace'

export async function openBroker({ data, names: more, port, webPort, caPort }: OpenOptions): Promise<Opened> {
  const dir = resolve(data)
  makeFolder(dir)
  const file = (name: string) => join(dir, name)
  const made: string[] = []
  const once = async (name: string, make: (path: string) => unknown) => {
    if (existsSync(file(name))) return
    await make(file(name))
    made.push(name)
  }
  if (await initCa(file('ca'), `Millrace on ${hostname()}`)) made.push('ca/ca.crt')
  const names = [...new Set([...more, ...ownNames()])]
  await issueServer(file('ca'), names, { certFile: file('broker.crt'), keyFile: file('broker.key') })
  made.push('broker.crt')
  await once('broker.users', (users) => makeHost(users, file('processor.password')))
  await once('broker.yaml', (path) => write(path, brokerConfig(file, port)))
  await once('ca.yaml', (path) => write(path, { listen: { host: '0.0.0.0', port: caPort }, tls: serverTls(file) }))
  await once('processor.yaml', (path) => write(path, processorConfig(file, port, webPort)))
  return { dir, names, made }
}

async function makeHost(users: string, passwordFile: string): Promise<void> {
  const password = newPassword()
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  await addUser(users, { name: hostUser, password, role: 'host', args: [hostId] })
}

export const newPassword = () => randomBytes(18).toString('base64url')

/** Addresses in the network first: by them small devices find it. */
export function ownNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  const outside = addresses.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address)
  const name = hostname().toLowerCase()
  return [...outside, name, `${name}.local`, 'localhost', '127.0.0.1']
}

const serverTls = (file: (name: string) => string) => ({ certFile: file('broker.crt'), keyFile: file('broker.key') })

function brokerConfig(file: (name: string) => string, port: number) {
  return {
    listen: { host: '0.0.0.0', port },
    tls: { ...serverTls(file), clientCaFile: authorityIn(file('ca')).certFile, revokedFile: listsIn(file('ca')).revokedFile },
    users: file('broker.users'),
    store: { path: file('broker.sqlite') },
  }
}

function processorConfig(file: (name: string) => string, port: number, webPort: number) {
  return {
    dataDir: file('processor'),
    staticDir: file('page'),
    bridge: {
      url: `mqtts://localhost:${port}`,
      username: hostUser,
      passwordFile: file('processor.password'),
      caFile: authorityIn(file('ca')).certFile,
      host: hostId,
    },
    devices: [],
    rules: { rules: [] },
    web: { port: webPort },
  }
}

function write(path: string, config: object): void {
  writeFileSync(path, stringify(config), { mode: 0o600 })
}
