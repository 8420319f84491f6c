/**
 * How a gateway asks the authority for a certificate, by HTTPS and JSON:
 *
 *     POST /enrol   { secret, request }                the first one, by the secret of a token
 *     POST /renew   { certificate, request, proof }    the next one, by the key of the one before, which may have expired
 *     GET  /ca                                         the authority's certificate, PEM
 *
 *     200 { certificate }    403 { refused }    400: it cannot be read
 *
 * `request` is a PKCS#10 request, PEM, whose subject is not looked at: the name comes from the token or the certificate. A request
 * with a key that was certified before is answered with the same certificate, so that an answer that was lost can be asked for again.
 */
import { z } from 'zod'

const pem = z.string().max(4_096)

export const enrolSchema = z.strictObject({ secret: z.string().max(200), request: pem })
export const renewSchema = z.strictObject({
  certificate: pem,
  request: pem,
  /** ECDSA with SHA-256 (DER, base64) of `proofText` by the key of `certificate`. */
  proof: z.string().max(400),
})
export type EnrolRequest = z.infer<typeof enrolSchema>
export type RenewRequest = z.infer<typeof renewSchema>

/** What the earlier key signs. */
export const proofText = (request: string) => `millrace-renew-1\n${request}`

/** Why no certificate was given, and what to do. */
export const enrolmentRefusals = {
  'token-unknown': 'the token is not known there: make a new one with `millrace ca token`',
  'token-used': 'the token was used before, for another key: make a new one with `millrace ca token`',
  'token-expired': 'the time of the token is over: make a new one with `millrace ca token`',
  'request-wrong': 'the request is not signed by its key, or the key is not EC P-256',
  'certificate-foreign': 'the certificate is not of this authority: enrol with a new token',
  'certificate-superseded': 'later certificates of this gateway are in use: enrol with a new token',
  'proof-wrong': 'the request is not signed by the key of the certificate',
  'beyond-grace': 'the certificate ended too long ago: enrol with a new token',
  revoked: 'the certificates of this gateway were revoked: ask the people who run the authority, and enrol with a new token',
} as const

export type EnrolmentRefusal = keyof typeof enrolmentRefusals
