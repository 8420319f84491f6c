/** What the host of a receiver means, for clients that resolve names themselves. */
import { lookup } from 'node:dns/promises'
import { type AllowedAddresses, refusalOf } from '@millrace/platform'

/** @throws Error where the name means an address that is not allowed. */
export async function refuseAddress({ url, ...allowed }: AllowedAddresses & { url: string }): Promise<void> {
  const { hostname } = new URL(url)
  const found = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true })
  const refusal = found.map(({ address }) => refusalOf(hostname, address, allowed)).find((one) => one !== undefined)
  if (refusal) throw new Error(refusal)
}
