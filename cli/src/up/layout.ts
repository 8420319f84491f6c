/**
 * The folder of `millrace up`: secrets are made once and kept; ports are chosen at each start.
 *
 *   secrets.json  broker.users  broker.yaml  processor.yaml  agent.yaml      configuration, for this user's eyes only
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
  secrets: { node: string; host: string }
  /** The broker's accounts. */
  users: User[]
  writeConfig(name: string, config: unknown): string
}

export const group = 'ward'
export const node = 'gateway-1'
export const host = 'millrace'

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
  if (existsSync(path) && existsSync(file('broker.users'))) return JSON.parse(readFileSync(path, 'utf8'))
  const secrets = { node: randomBytes(24).toString('base64url'), host: randomBytes(24).toString('base64url') }
  rmSync(file('broker.users'), { force: true })
  for (const user of usersOf(secrets)) await addUser(file('broker.users'), user)
  chmodSync(file('broker.users'), 0o600)
  writeFileSync(path, JSON.stringify(secrets), { mode: 0o600 })
  return secrets
}

function usersOf(secrets: Layout['secrets']): User[] {
  return [
    { name: node, password: secrets.node, role: 'node', args: [`${group}/${node}`] },
    { name: 'processor', password: secrets.host, role: 'host', args: [host] },
  ]
}
