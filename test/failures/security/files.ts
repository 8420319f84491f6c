/** What the processes left on disk, and whom they listen to and talk to, after everything else. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { password } from './scene.ts'
import { anyOf, clauses, type Group, unlike } from './sheet.ts'

/** What others are to have: certificates, and the lists of revoked ones. */
const isPublic = (path: string) => /\.(?:crt|crl)$|revoked/.test(path)

function* below(dir: string): Generator<string> {
  yield dir
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) yield* below(path)
    else yield path
  }
}

/** @param folders those of the file's name where others may look */
function openTo(root: string, kind: 'files' | 'folders'): string[] {
  return [...below(root)].filter((path) => {
    const stats = statSync(path)
    return stats.isDirectory() === (kind === 'folders') && (stats.mode & 0o077) !== 0 && !isPublic(path)
  })
}

export const filesGroup: Group = {
  name: 'files',
  async run(scene, check) {
    const { site, gateway } = await scene.installation()
    const folders = { 'the installation': site.dir, 'the agent': gateway.dataDir }
    for (const [what, dir] of Object.entries(folders))
      for (const kind of ['files', 'folders'] as const) {
        const open = openTo(dir, kind).map((path) => `${relative(dir, path) || '.'} ${(statSync(path).mode & 0o777).toString(8)}`)
        check(clauses.storage, `${what}: ${kind} are for their owner alone`, anyOf(open))
      }
    const backup = join(scene.dir, 'backup')
    const made = await site.millrace('backup', '--to', backup)
    const copied = made.code === 0 ? openTo(backup, 'files').map((path) => relative(backup, path)) : [made.said]
    check(clauses.storage, 'a backup: files are for their owner alone', anyOf(copied))
    const key = readFileSync(site.path('broker.users'), 'utf8')
    check(
      clauses.passwords,
      'the broker keeps passwords as scrypt hashes',
      key.includes(password) ? 'one is in clear' : unlike(key, /scrypt:/),
    )
    const logs = [...below(join(scene.dir, 'logs'))].filter((path) => path.endsWith('.log'))
    const loud = logs.filter((path) => [password, 'scraper-password'].some((secret) => readFileSync(path).includes(secret)))
    check(clauses.storage, `no password is in ${logs.length} logs`, logs.length === 0 ? 'there are none' : anyOf(loud))
    const passwordFile = scene.file('readable by all\n', 0o644)
    const { said } = await scene.say('broker', 'run', {
      listen: { port: 0 },
      metrics: { port: 1, credential: { name: 'x', passwordFile } },
    })
    check(clauses.storage, 'a secret file that others can read is told of', unlike(said, /chmod 600/))
  },
}

interface Socket {
  local: string
  remote: string
  isListening: boolean
}

/** Of the processes that run now. */
export const networkGroup: Group = {
  name: 'network',
  async run(scene, check) {
    const { site, processor, gateway } = await scene.installation()
    for (const [name, { pid }] of Object.entries({
      broker: site.broker,
      'enrolment endpoint': site.endpoint,
      processor,
      agent: gateway.agent,
    })) {
      const sockets = socketsOf(pid()!)
      const listening = sockets.filter(({ isListening }) => isListening)
      check(
        clauses.services,
        `${name}: listens on loopback alone, on ${listening.length} ports`,
        anyOf(listening.filter(({ local }) => !isLocal(local)).map(({ local }) => local)),
      )
      const calls = sockets.filter(({ isListening, remote }) => !isListening && !isLocal(remote))
      check(clauses.privacy, `${name}: talks to nobody elsewhere`, anyOf(calls.map(({ remote }) => remote)))
    }
  },
}

/** As Linux writes addresses: 127.0.0.0/8, ::1, and the former inside IPv6. */
const isLocal = (address: string) => /^(?:[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F)$/.test(address)

function socketsOf(pid: number): Socket[] {
  const folder = `/proc/${pid}/fd`
  const own = new Set(readdirSync(folder).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(join(folder, fd)))?.[1] ?? []))
  return ['tcp', 'tcp6'].flatMap((family) => {
    const lines = readFileSync(`/proc/${pid}/net/${family}`, 'utf8').trim().split('\n').slice(1)
    return lines.flatMap((line) => {
      const fields = line.trim().split(/\s+/)
      if (!own.has(fields[9]!)) return []
      const [local, remote] = [fields[1]!, fields[2]!].map((end) => end.split(':')[0]!) as [string, string]
      return [{ local, remote, isListening: fields[3] === '0A' }]
    })
  })
}

/** It may have been closed in between. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
