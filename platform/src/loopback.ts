import { isIP } from 'node:net'

/** This machine alone: `localhost`, `::1`, with brackets as in a URL too, or an address of 127.0.0.0/8. Another name that begins like one is not. */
export function isLoopback(host: string): boolean {
  return ['localhost', '::1', '[::1]'].includes(host.toLowerCase()) || (isIP(host) === 4 && host.startsWith('127.'))
}
