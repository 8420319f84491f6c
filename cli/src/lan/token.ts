/** `millrace broker token`: the account of a gateway on the broker of the local network, and one text to paste into its setup. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { addUser } from '@millrace/broker/broker'
import { makeToken } from '@millrace/contract/join-token'
import { parse } from 'yaml'
import { authorityIn } from '../ca/authority.ts'
import { hostId, newPassword, ownNames } from './open.ts'

export interface TokenOptions {
  data: string
  /** `group/node` */
  node: string
  /** Absent: this machine, by its first address in the network. */
  url?: string | undefined
}

/** A token made before for the same gateway is worth nothing afterwards. @throws Error that names the value. */
export async function gatewayToken({ data, node, url }: TokenOptions): Promise<string> {
  const [group, name, ...more] = node.split('/')
  if (!group || !name || more.length > 0) throw new Error(`--node ${node}: group/node`)
  const dir = resolve(data)
  const account = { name: `${group}.${name}`, password: newPassword(), role: 'node' as const, args: [node] }
  await addUser(join(dir, 'broker.users'), account)
  const ca = readFileSync(authorityIn(join(dir, 'ca')).certFile, 'utf8')
  return makeToken({
    url: url ?? brokerUrl(dir),
    group,
    node: name,
    host: hostId,
    username: account.name,
    password: account.password,
    ca,
  })
}

/** Of the broker that `broker open` made in this folder, by this machine's first address in the network. */
export function brokerUrl(dir: string): string {
  const { listen } = parse(readFileSync(join(dir, 'broker.yaml'), 'utf8')) as { listen: { port: number } }
  return `mqtts://${ownNames()[0]}:${listen.port}`
}
