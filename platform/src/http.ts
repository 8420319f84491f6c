/** What every HTTP listener needs: whom it may answer, TLS, the credential, and what a failed start means. */
import { timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { MillraceError } from './errors.ts'
import { isLoopback } from './loopback.ts'
import { readSecret } from './secret-file.ts'

export interface HttpListener {
  host: string
  tls?: { certFile: string; keyFile: string } | undefined
  credential?: Credential | undefined
}

export interface Credential {
  name: string
  /** Its first line is the password, of 8 characters or more. */
  passwordFile: string
}

/** @throws MillraceError LISTENER_NOT_LOOPBACK */
export function refuseOpenListener({ host, tls, credential }: HttpListener): void {
  const missing = [tls ? '' : 'TLS', credential ? '' : 'credential'].filter(Boolean).join(' and ')
  if (missing && !isLoopback(host)) throw new MillraceError('LISTENER_NOT_LOOPBACK', { host, missing })
}

export function readTls({ certFile, keyFile }: NonNullable<HttpListener['tls']>) {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: 'TLSv1.2' as const }
}

/**
 * Returns what tells whether an `Authorization` header is this credential by HTTP Basic, in a time that does not depend on how much
 * of it is right. @throws MillraceError CONFIG_INVALID
 */
export function basicCheck({ name, passwordFile }: Credential): (authorization: string | undefined) => boolean {
  const password = readSecret(passwordFile, 'credential.passwordFile')
  if (password.length < 8)
    throw new MillraceError('CONFIG_INVALID', { path: passwordFile, detail: 'the password has fewer than 8 characters' })
  const expected = Buffer.from(`Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`)
  return (authorization = '') => {
    const sent = Buffer.from(authorization)
    const given = Buffer.alloc(expected.length)
    sent.copy(given)
    return timingSafeEqual(given, expected) && sent.length === expected.length
  }
}

/** Of what a listener failed to start with: MillraceError PROCESS_PORT_IN_USE, or the error itself. */
export function listenFailure(error: unknown, port: number): unknown {
  const isInUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  return isInUse ? new MillraceError('PROCESS_PORT_IN_USE', { port }, error) : error
}
