/**
 * One POST, without redirects. Names are resolved here and what they mean is checked, so that no name leads to a link-local address;
 * the connection goes to the address that was checked.
 */
import { lookup as resolveName } from 'node:dns'
import { type RequestOptions, request } from 'node:http'
import { request as requestTls } from 'node:https'
import type { LookupFunction } from 'node:net'
import { isLinkLocal } from './link-local.ts'

export interface Post {
  url: string
  headers: Record<string, string>
  body: string
  signal: AbortSignal
  allowLinkLocal: boolean
}

/** The status of the answer. Rejects when there is none. */
export function post({ url, headers, body, signal, allowLinkLocal }: Post): Promise<number> {
  const bytes = Buffer.from(body)
  const options: RequestOptions = {
    method: 'POST',
    signal,
    headers: { ...headers, 'content-length': bytes.length },
    ...(allowLinkLocal ? {} : { lookup: lookupElsewhere() }),
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
export function lookupElsewhere(resolve: typeof resolveName = resolveName): LookupFunction {
  return (name, options, done) => {
    resolve(name, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      const wrong = addresses?.find(({ address }) => isLinkLocal(address))
      if (error || !first) return done(error ?? new Error(`${name} has no address`), '')
      if (wrong)
        return done(new Error(`${name} is the link-local address ${wrong.address}; if it is to be, set allowLinkLocal: true`), '')
      if (options.all) done(null, addresses)
      else done(null, first.address, first.family)
    })
  }
}
