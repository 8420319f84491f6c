/** Our broker and a real Mosquitto with the rendered files, for the same people: each by password, and by client certificate. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { addUser, brokerSchema, type NewUser, startBroker } from '@millrace/broker/broker'
import { renderMosquitto } from '@millrace/broker/mosquitto'
import { systemClock } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { authorityIn, issueServer } from '../../../cli/src/ca/authority.ts'
import { initCa, registerIn } from '../../../cli/src/ca/init.ts'
import { issueTo } from '../../../cli/src/ca/issue.ts'
import { listsIn, writeLists } from '../../../cli/src/ca/lists.ts'
import { Register } from '../../../cli/src/ca/register.ts'
import { until } from '../../support/until.ts'
import { type Holder, holders } from './cases.ts'
import type { UnderTest } from './run.ts'

/** Of the users file. A node's certificate bears the node instead, and needs no entry. */
const users: Record<Holder, NewUser> = {
  node: { name: 'node', password: 'secret-n', role: 'node', args: ['ward/bed1'] },
  other: { name: 'other', password: 'secret-o', role: 'node', args: ['ward/bed2'] },
  host: { name: 'host', password: 'secret-h', role: 'host', args: ['millrace', 'plain/#'] },
  device: { name: 'device', password: 'secret-d', role: 'device', args: ['plain/d1'] },
  admin: { name: 'admin', password: 'secret-a', role: 'admin' },
}
const nameInCertificate = (holder: Holder) => ({ node: 'ward/bed1', other: 'ward/bed2' })[holder as string] ?? holder

export interface Site {
  dir: string
  server: { certFile: string; keyFile: string }
  /** Of each certificate, without the ending. */
  file(holder: Holder): string
}

export async function openSite(dir: string): Promise<Site> {
  const [ca, issued] = [join(dir, 'ca'), join(dir, 'issued')]
  await mkdir(issued)
  await initCa(ca, 'Test')
  const server = { certFile: join(dir, 'server.crt'), keyFile: join(dir, 'server.key') }
  await issueServer(ca, ['127.0.0.1'], server)
  const register = new Register(registerIn(ca), systemClock)
  for (const holder of holders)
    await issueTo({ dir: ca, to: issued, name: nameInCertificate(holder), register, days: 1, servers: undefined })
  await writeLists(ca, register)
  register.close()
  return { dir, server, file: (holder) => join(issued, nameInCertificate(holder).replace('/', '-')) }
}

function waysOf(site: Site, passwordUrl: string, certificateUrl: string): UnderTest['ways'] {
  const ca = readFileSync(authorityIn(join(site.dir, 'ca')).certFile)
  return {
    password: (holder) => {
      const { name: username, password } = users[holder]
      return { url: passwordUrl, options: { username, password, ca } }
    },
    certificate: (holder) => {
      const [cert, key] = ['crt', 'key'].map((end) => readFileSync(`${site.file(holder)}.${end}`)) as [Buffer, Buffer]
      return { url: certificateUrl, options: { cert, key, ca } }
    },
  }
}

export interface Running extends UnderTest {
  close(): Promise<void>
}

/** What our broker is configured by. */
export async function oursConfig(site: Site) {
  const file = join(site.dir, 'users')
  for (const user of Object.values(users)) await addUser(file, { ...user, cost: { N: 16, r: 1, p: 1 } })
  const [clientCaFile, { revokedFile }] = [authorityIn(join(site.dir, 'ca')).certFile, listsIn(join(site.dir, 'ca'))]
  return { listen: { port: 0 }, users: file, tls: { ...site.server, clientCaFile, revokedFile } }
}

/** Our broker, wherever it runs. */
export function oursAt(site: Site, port: number): UnderTest {
  const url = `mqtts://127.0.0.1:${port}`
  return { isMosquitto: false, ways: waysOf(site, url, url) }
}

export async function startOurs(site: Site): Promise<Running> {
  const broker = await startBroker(brokerSchema.parse(await oursConfig(site)))
  return { ...oursAt(site, broker.port), close: () => broker.close() }
}

export async function startMosquitto(site: Site, program: string): Promise<Running> {
  const [port, tlsPort] = [await freePort(), await freePort()]
  const [clientCaFile, { crlFile }] = [authorityIn(join(site.dir, 'ca')).certFile, listsIn(join(site.dir, 'ca'))]
  const certificates = { port: tlsPort, ...site.server, clientCaFile, crlFile }
  const nodes = ['ward/bed1', 'ward/bed2'].map((name) => ({ name, role: 'node' as const, args: [name] }))
  const given = { port, dir: join(site.dir, 'mosquitto'), users: [...Object.values(users), ...nodes], certificates }
  const { config } = await renderMosquitto(given)
  const child = spawn(program, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr!.on('data', (chunk) => (said += chunk))
  await until('Mosquitto runs', () => said.includes('running') || child.exitCode !== null)
  if (child.exitCode !== null) throw new Error(said)
  return {
    isMosquitto: true,
    ways: waysOf(site, `mqtt://127.0.0.1:${port}`, `mqtts://127.0.0.1:${tlsPort}`),
    close: () => ended(child),
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}
