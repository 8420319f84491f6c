/**
 * The folder of `millrace up`: secrets are made once and kept; ports are chosen at each start.
 *
 *   secrets.json  import.password  broker.users  broker.yaml  processor.yaml  agent.yaml      configuration, for this user's eyes only
 *   ports/        pseudo-terminals of the simulated devices                  manifests/<started>.jsonl   what they produced
 *   agent/ broker/ processor/   data                                                 logs/<process>.log
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { addUser } from '@millrace/broker/broker'
import { makeFolder } from '@millrace/platform'
import { stringify } from 'yaml'

type User = Parameters<typeof addUser>[1]

export interface Layout {
  dir: string
  file(name: string): string
  secrets: { node: string; host: string; import: string }
  /** The broker's accounts. */
  users: User[]
  writeConfig(name: string, config: unknown): string
}

export const group = 'ward'
export const node = 'gateway-1'
export const host = 'millrace'
/** Edge node of `millrace import`. */
export const importNode = 'import'

export async function openLayout(folder: string): Promise<Layout> {
  const dir = resolve(folder)
  for (const part of ['', 'ports', 'manifests', 'agent', 'broker', 'processor', 'logs']) makeFolder(join(dir, part))
  const file = (name: string) => join(dir, name)
  const secrets = await secretsOf(file)
  return {
    dir,
    file,
    secrets,
    users: usersOf(secrets),
    writeConfig(name, config) {
      writeFileSync(file(name), stringify(config), { mode: 0o600 })
      return file(name)
    },
  }
}

async function secretsOf(file: (name: string) => string): Promise<Layout['secrets']> {
  const path = file('secrets.json')
  const known = existsSync(path) && existsSync(file('broker.users')) ? JSON.parse(readFileSync(path, 'utf8')) : {}
  // A folder of an earlier version has no account for imports.
  if (known.import !== undefined) return known
  const made = () => randomBytes(24).toString('base64url')
  const secrets = { node: made(), host: made(), import: made(), ...known }
  rmSync(file('broker.users'), { force: true })
  for (const user of usersOf(secrets)) await addUser(file('broker.users'), user)
  chmodSync(file('broker.users'), 0o600)
  writeFileSync(file('import.password'), secrets.import, { mode: 0o600 })
  writeFileSync(path, JSON.stringify(secrets), { mode: 0o600 })
  return secrets
}

function usersOf(secrets: Layout['secrets']): User[] {
  return [
    { name: node, password: secrets.node, role: 'node', args: [`${group}/${node}`] },
    { name: importNode, password: secrets.import, role: 'node', args: [`${group}/${importNode}`] },
    { name: 'processor', password: secrets.host, role: 'host', args: [host] },
  ]
}
