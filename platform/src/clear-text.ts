/** The one rule for addresses of other machines: a credential does not go there in clear text. */
import { isLoopback } from './loopback.ts'

/** What goes to this address can be read on the way. False for what cannot be read as an address. */
export function isClearText(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return /^(?:mqtt|tcp|ws|http):$/.test(protocol) && !isLoopback(hostname)
}

/** A refinement of a section with an address: its credentials, or those in the address, would be readable on the way. */
export function keepsCredentials(section: { url: string; insecure: boolean }, credentials: unknown[]): boolean {
  if (section.insecure || !isClearText(section.url)) return true
  return !hasCredentials(section.url) && credentials.every((one) => one === undefined)
}

function hasCredentials(url: string): boolean {
  const { username, password } = new URL(url)
  return username !== '' || password !== ''
}

/** What is said where it is refused. */
export const credentialsInClear = {
  path: ['url'],
  message:
    'a password or token to another machine can be read on the way: use the address with TLS (mqtts://, wss://, https://), or set insecure: true',
}
