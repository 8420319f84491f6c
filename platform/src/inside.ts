/**
 * Addresses inside a network, and which of them a receiver may have (docs/decisions/0034-addresses-of-receivers.md): loopback, private
 * (RFC 1918, fc00::/7), shared (RFC 6598), and those that mean no other machine. A host that is written as such an address, or by a
 * name that only a local network has, says itself where it is. Any other name that means one is refused unless `allowInside` is set.
 */
import { BlockList, isIP } from 'node:net'
import { z } from 'zod'
import { isLinkLocal } from './link-local.ts'

/** Keys of every receiver that is reached by a network. */
export const addressKeys = {
  allowLinkLocal: z
    .boolean()
    .default(false)
    .describe('Sends to link-local addresses too, where clouds answer with the credentials of the machine (169.254.0.0/16).'),
  allowInside: z
    .boolean()
    .default(false)
    .describe(
      'Sends where a name such as alerts.example.com means an address inside the network (10.0.0.0/8, 127.0.0.1). A written address, and a name without a dot or in local, lan, internal, home.arpa, svc, may always.',
    ),
}
export type AllowedAddresses = z.infer<z.ZodObject<typeof addressKeys>>

export const linkLocalRefused = {
  path: ['url'],
  message: 'a link-local or metadata address is not taken for a receiver; if it is one, set allowLinkLocal: true',
}

/** As it is written: what a name means is known when it is sent. */
export function isAllowedHost({ url, allowLinkLocal }: { url: string; allowLinkLocal: boolean }): boolean {
  return allowLinkLocal || !isLinkLocal(new URL(url).hostname)
}

/** Why the address that a host means is not taken; undefined where it is. */
export function refusalOf(host: string, address: string, allowed: AllowedAddresses): string | undefined {
  if (isLinkLocal(address))
    return allowed.allowLinkLocal
      ? undefined
      : `${host} is the link-local address ${address}; if it is to be, set allowLinkLocal: true`
  if (allowed.allowInside || !isInside(address) || isLocalHost(host)) return undefined
  return `${host} is ${address}, an address inside the network; if it is to be, set allowInside: true`
}

const inside = new BlockList()
/** Network, its length, and the same in hexadecimal, for IPv4 inside IPv6: NAT64 (RFC 6052) and the older form. */
const networks: [string, number, string][] = [
  ['0.0.0.0', 8, '0:0'],
  ['10.0.0.0', 8, 'a00:0'],
  ['100.64.0.0', 10, '6440:0'],
  ['127.0.0.0', 8, '7f00:0'],
  ['172.16.0.0', 12, 'ac10:0'],
  ['192.168.0.0', 16, 'c0a8:0'],
  ['198.18.0.0', 15, 'c612:0'],
  ['224.0.0.0', 3, 'e000:0'],
]
for (const [network, length, hex] of networks) {
  inside.addSubnet(network, length, 'ipv4')
  inside.addSubnet(`64:ff9b::${hex}`, 96 + length, 'ipv6')
  inside.addSubnet(`::${hex}`, 96 + length, 'ipv6')
}
inside.addSubnet('fc00::', 7, 'ipv6')
inside.addSubnet('fec0::', 10, 'ipv6')
inside.addSubnet('ff00::', 8, 'ipv6')

export function isInside(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*/, '')
  const family = isIP(bare)
  return family !== 0 && inside.check(bare, family === 4 ? 'ipv4' : 'ipv6')
}

/** Written as an address inside, or a name that no public name server has. */
function isLocalHost(host: string): boolean {
  const name = host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
  return isIP(name) !== 0 || !name.includes('.') || /\.(?:local|localhost|lan|internal|home\.arpa|svc)$/.test(name)
}
