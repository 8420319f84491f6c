/** `millrace ca token`: one text by which a gateway finds the authority, knows it, and gets one certificate. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeToken } from '@millrace/contract/join-token'
import { MillraceError } from '@millrace/platform'
import { parse } from 'yaml'
import { hostId, ownNames } from '../lan/open.ts'
import { brokerUrl } from '../lan/token.ts'
import { fingerprintOf } from './authority.ts'
import { caSchema } from './config.ts'
import { isGateway } from './issue.ts'
import type { Register } from './register.ts'

export interface CaTokenOptions {
  /** Folder of the authority. */
  dir: string
  /** `group/node` */
  node: string
  register: Pick<Register, 'makeToken'>
  lifeMs: number
  /** Of the endpoint and of the broker; absent: this machine, by its first address in the network. */
  url?: string | undefined
  brokerUrl?: string | undefined
}

/** @throws MillraceError CA_NAME, CONFIG_INVALID */
export function gatewayToken({ dir, node, register, lifeMs, url, brokerUrl: broker }: CaTokenOptions): string {
  const [group = '', name = ''] = node.split('/')
  if (!isGateway(node)) throw new MillraceError('CA_NAME', { name: node, detail: 'a gateway is called group/node' })
  const data = join(dir, '..')
  const enrolmentUrl = url ?? ownUrl(data)
  if (!URL.canParse(enrolmentUrl) || new URL(enrolmentUrl).protocol !== 'https:')
    throw new MillraceError('CONFIG_INVALID', { path: '--url', detail: `${enrolmentUrl} is not https://host:port` })
  return makeToken({
    url: broker ?? brokerUrl(data),
    group,
    node: name,
    host: hostId,
    enrolment: { url: enrolmentUrl, fingerprint: fingerprintOf(dir), secret: register.makeToken(node, lifeMs) },
  })
}

function ownUrl(data: string): string {
  const { listen } = caSchema.parse(parse(readFileSync(join(data, 'ca.yaml'), 'utf8')))
  return `https://${ownNames()[0]}:${listen.port}`
}
