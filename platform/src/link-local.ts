/**
 * Addresses that reach nobody beyond the own link, among them those where clouds hand out the credentials of a machine: 169.254.0.0/16
 * (RFC 3927), fe80::/10 (RFC 4291), fd00:ec2::254 (AWS), fd20:ce::254 (Google), 100.100.100.200 (Alibaba), and IPv4 inside IPv6.
 */
import { BlockList, isIP } from 'node:net'

const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4')
linkLocal.addAddress('100.100.100.200', 'ipv4')
linkLocal.addSubnet('fe80::', 10, 'ipv6')
linkLocal.addAddress('fd00:ec2::254', 'ipv6')
linkLocal.addAddress('fd20:ce::254', 'ipv6')
/** IPv4 in an address of NAT64 (RFC 6052), and its older form in IPv6. */
linkLocal.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6')
linkLocal.addSubnet('::a9fe:0', 112, 'ipv6')

/** An address, with brackets as in a URL too, or the names of the metadata services. Another name is to be resolved first. */
export function isLinkLocal(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '').replace(/%.*/, '')
  const family = isIP(address)
  if (family === 0) return /^metadata\.(?:google\.internal|goog)\.?$/i.test(host)
  return linkLocal.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
