/** Addresses that no receiver has, unless its configuration says so. */
import { lookup } from 'node:dns/promises'
import { isLinkLocal } from '@millrace/platform'
import { z } from 'zod'

export const allowLinkLocal = z
  .boolean()
  .default(false)
  .describe('Sends to link-local addresses too, where clouds answer with the credentials of the machine (169.254.0.0/16).')

export const linkLocalRefused = {
  path: ['url'],
  message: 'a link-local or metadata address is not taken for a receiver; if it is one, set allowLinkLocal: true',
}

export function isAllowed({ url, allowLinkLocal }: { url: string; allowLinkLocal: boolean }): boolean {
  return allowLinkLocal || !isLinkLocal(new URL(url).hostname)
}

/** For clients that resolve names themselves. @throws Error where the name means such an address. */
export async function refuseLinkLocal(config: { url: string; allowLinkLocal: boolean }): Promise<void> {
  if (config.allowLinkLocal) return
  const { hostname } = new URL(config.url)
  const found = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true })
  const wrong = found.find(({ address }) => isLinkLocal(address))
  if (wrong) throw new Error(`${hostname} is the link-local address ${wrong.address}; if it is to be, set allowLinkLocal: true`)
}
