/** Asks the authority, by contract/src/enrolment.ts. The secret of a token goes to nobody but the authority that the token names. */
import { createHash, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { enrolmentRefusals, proofText } from '@millrace/contract/enrolment'
import type { Enrolment } from '@millrace/contract/join-token'
import { MillraceError, ownValue } from '@millrace/platform'
import { requestFor } from './request.ts'
import type { Credential } from './slots.ts'

const withinMs = 15_000

/** The authority's certificate, PEM, whose fingerprint is that of the token. @throws MillraceError AGENT_ENROL */
export async function fetchAuthority({ url, fingerprint }: Omit<Enrolment, 'secret'>): Promise<string> {
  // Nothing secret is sent over this connection, and what comes is checked by the fingerprint.
  const { certificate } = await ask(url, { path: '/ca', rejectUnauthorized: false })
  const found = fingerprintOf(certificate)
  if (found === fingerprint) return certificate
  const detail = `the authority there is not the one of the token (its fingerprint is ${found}, not ${fingerprint}); nothing was sent to it`
  throw new MillraceError('AGENT_ENROL', { url, detail })
}

/** The first certificate, PEM. @throws MillraceError AGENT_ENROL */
export async function askFirst({ url, secret }: Enrolment, given: { name: string; key: KeyObject; ca: string }): Promise<string> {
  const body = { secret, request: requestFor(given.name, given.key) }
  return fitting(given, url, await ask(url, { path: '/enrol', ca: given.ca, body }))
}

/** The next certificate, PEM. @throws MillraceError AGENT_ENROL */
export async function askNext(
  url: string,
  before: Credential,
  given: { name: string; key: KeyObject; ca: string | undefined },
): Promise<string> {
  const asked = requestFor(given.name, given.key)
  const proof = sign('sha256', Buffer.from(proofText(asked)), before.key).toString('base64')
  const body = { certificate: before.certificate.toString(), request: asked, proof }
  return fitting(given, url, await ask(url, { path: '/renew', ca: given.ca, body }))
}

/** It is for this key and this name, or it is not taken. */
function fitting({ name, key }: { name: string; key: KeyObject }, url: string, { certificate }: { certificate: string }): string {
  const given = new X509Certificate(certificate)
  const isOurs = given.checkPrivateKey(key) && given.subject === `CN=${name}`
  if (isOurs) return certificate
  throw new MillraceError('AGENT_ENROL', { url, detail: `its certificate is for ${given.subject}, not for ${name} and its key` })
}

interface Asked {
  path: string
  ca?: string | undefined
  rejectUnauthorized?: false
  body?: object
}

async function ask(url: string, { path, body, ...tls }: Asked): Promise<{ certificate: string }> {
  const { status, answer } = await exchange(url, { path, body, ...tls }).catch((cause: NodeJS.ErrnoException) => {
    throw new MillraceError('AGENT_ENROL', { url, detail: cause.message || `${cause.code}` }, cause)
  })
  const { certificate, refused = '' } = JSON.parse(answer.startsWith('{') ? answer : '{}') as Record<string, string>
  if (status === 200 && certificate !== undefined) return { certificate }
  const detail = ownValue(enrolmentRefusals as Record<string, string>, refused) ?? `it answered ${status}`
  throw new MillraceError('AGENT_ENROL', { url, detail })
}

function exchange(url: string, { path, body, ...tls }: Asked): Promise<{ status: number; answer: string }> {
  const bytes = Buffer.from(body ? JSON.stringify(body) : '')
  const headers = body ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}
  const method = body ? 'POST' : 'GET'
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; answer: string }>()
  const asking = request(
    new URL(path, url),
    { ...tls, method, headers, agent: false, signal: AbortSignal.timeout(withinMs) },
    (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode!, answer }), reject)
    },
  )
  asking.on('error', reject)
  asking.end(bytes)
  return promise
}

function fingerprintOf(pem: string): string {
  try {
    return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex')
  } catch {
    return 'none'
  }
}
