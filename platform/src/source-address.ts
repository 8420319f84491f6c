import { isIPv6 } from 'node:net'

/**
 * What counts as one source of connections: an IPv4 address, or the 64 bits of an IPv6 network, in which one machine may have as many
 * addresses as it likes (RFC 4291 section 2.5.4). An IPv4 address is the same when it comes mapped into IPv6.
 */
export function sourceOf(address = ''): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return mapped[1]!
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const first = head.split(':').filter(Boolean)
  const last = (tail ?? '').split(':').filter(Boolean)
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length
  const network = [...first, ...Array<string>(zeros).fill('0'), ...last].slice(0, 4)
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
