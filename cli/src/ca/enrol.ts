/** Decides about requests of gateways: who gets a certificate, and who does not. */
import { createPublicKey, verify, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type EnrolmentRefusal, type EnrolRequest, proofText, type RenewRequest } from '@millrace/contract/enrolment'
import type { Clock } from '@millrace/platform'
import { authorityIn, issueClient, keyOfRequest } from './authority.ts'
import type { Known, Register } from './register.ts'

export interface EnrolContext {
  /** Folder of the authority. */
  dir: string
  register: Pick<Register, 'useToken' | 'ofKey' | 'ofSerial' | 'isRecent' | 'add'>
  clock: Pick<Clock, 'now'>
  certificateDays: number
  graceDays: number
}

const dayMs = 86_400_000

/** The first certificate, by a token. */
export async function enrol({ secret, request }: EnrolRequest, context: EnrolContext): Promise<Known | EnrolmentRefusal> {
  const key = await keyOfRequest(request)
  if (!key) return 'request-wrong'
  const used = context.register.useToken(secret, key)
  if (typeof used === 'string') return used
  return certify(used.name, key, { secret }, context)
}

/** The next one, by the key of the one before. */
export async function renew(asked: RenewRequest, context: EnrolContext): Promise<Known | EnrolmentRefusal> {
  const key = await keyOfRequest(asked.request)
  if (!key) return 'request-wrong'
  const before = mayRenew(asked, context)
  return typeof before === 'string' ? before : certify(before.name, key, before, context)
}

/** It was signed here, the asker has its key, and neither a person nor time has ended it. */
function mayRenew({ certificate: pem, request, proof }: RenewRequest, { dir, register, clock, graceDays }: EnrolContext) {
  const certificate = readCertificate(pem)
  const authority = createPublicKey(readFileSync(authorityIn(dir).certFile))
  if (!certificate?.verify(authority)) return 'certificate-foreign'
  const known = register.ofSerial(certificate.serialNumber.toLowerCase())
  if (!known) return 'certificate-foreign'
  if (!verify('sha256', Buffer.from(proofText(request)), certificate.publicKey, Buffer.from(proof, 'base64')))
    return 'proof-wrong'
  if (known.revokedMs !== null) return 'revoked'
  if (!register.isRecent(known)) return 'certificate-superseded'
  return clock.now() > known.untilMs + graceDays * dayMs ? 'beyond-grace' : known
}

async function certify(
  name: string,
  key: Buffer,
  after: { serial: string } | { secret: string },
  { dir, register, certificateDays }: EnrolContext,
): Promise<Known | EnrolmentRefusal> {
  const known = register.ofKey(key)
  if (known) return known.revokedMs === null ? known : 'revoked'
  return register.add(name, key, await issueClient(dir, name, key, certificateDays), after)
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}
