/**
 * One POST, without redirects. Names are resolved here and what they mean is checked, so that no name leads to an address that is not allowed;
 * the connection goes to the address that was checked.
 */
import { lookup as resolveName } from 'node:dns'
import { type RequestOptions, request } from 'node:http'
import { request as requestTls } from 'node:https'
import type { LookupFunction } from 'node:net'
import { type AllowedAddresses, refusalOf } from './inside.ts'

export interface Post {
  url: string
  headers: Record<string, string>
  body: string
  signal: AbortSignal
  allowed: AllowedAddresses
}

/** The status of the answer. Rejects when there is none. */
export function post({ url, headers, body, signal, allowed }: Post): Promise<number> {
  const bytes = Buffer.from(body)
  const options: RequestOptions = {
    method: 'POST',
    signal,
    headers: { ...headers, 'content-length': bytes.length },
    lookup: lookupAllowed(allowed),
  }
  return new Promise((resolve, reject) => {
    const asking = (url.startsWith('https:') ? requestTls : request)(url, options, (response) => {
      resolve(response.statusCode!)
      response.on('error', () => {}).resume()
    })
    asking.on('error', reject)
    asking.end(bytes)
  })
}

/** Exported for its test, which passes its own `resolve`. */
export function lookupAllowed(allowed: AllowedAddresses, resolve: typeof resolveName = resolveName): LookupFunction {
  return (name, options, done) => {
    resolve(name, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error || !first) return done(error ?? new Error(`${name} has no address`), '')
      const refusal = addresses.map(({ address }) => refusalOf(name, address, allowed)).find((one) => one !== undefined)
      if (refusal) return done(new Error(refusal), '')
      if (options.all) done(null, addresses)
      else done(null, first.address, first.family)
    })
  }
}
