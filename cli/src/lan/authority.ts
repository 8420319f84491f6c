/**
 * An authority of one's own for a local network, and certificates for servers in it: ECDSA P-256, PEM, keys for their owner's
 * eyes only. Small devices check such a signature in a fraction of the time of RSA.
 */
// Before @peculiar/x509, which uses it when it is loaded.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { makeFolder } from '@millrace/platform'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

cryptoProvider.set(webcrypto as never)
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000
/** A clock that is a little behind must take it already. */
const earlierMs = dayMs
const authorityDays = 3650
/** More is refused by some clients. */
const serverDays = 397

export interface Pair {
  certFile: string
  keyFile: string
}

export const authorityIn = (dir: string): Pair => ({ certFile: join(dir, 'ca.crt'), keyFile: join(dir, 'ca.key') })

/** @returns false when there is one already, which stays: devices trust it. */
export async function makeAuthority(dir: string, name: string): Promise<boolean> {
  const files = authorityIn(dir)
  if (existsSync(files.keyFile)) return false
  makeFolder(dir)
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validFor(authorityDays),
    name: [{ CN: [name] }],
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey as never),
    ],
  })
  await write(files, certificate, keys.privateKey)
  return true
}

/** A certificate for a server with these names and addresses, signed by the authority in `dir`. */
export async function issueServer(dir: string, names: string[], files: Pair): Promise<void> {
  const authority = authorityIn(dir)
  const issuer = new X509Certificate(readFileSync(authority.certFile, 'utf8'))
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    ...validFor(serverDays),
    subject: [{ CN: [names[0]!] }],
    issuer: issuer.subject,
    signingKey: (await readKey(authority.keyFile)) as never,
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey as never,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      await AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  await write(files, certificate, keys.privateKey)
}

function validFor(days: number) {
  const serialNumber = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString('hex')
  return { serialNumber, notBefore: new Date(Date.now() - earlierMs), notAfter: new Date(Date.now() + days * dayMs) }
}

async function write({ certFile, keyFile }: Pair, certificate: X509Certificate, key: webcrypto.CryptoKey): Promise<void> {
  const secret = await webcrypto.subtle.exportKey('pkcs8', key)
  writeFileSync(keyFile, `${PemConverter.encode(secret, 'PRIVATE KEY')}\n`, { mode: 0o600 })
  writeFileSync(certFile, `${certificate.toString('pem')}\n`)
}

function readKey(path: string): Promise<webcrypto.CryptoKey> {
  const [bytes] = PemConverter.decode(readFileSync(path, 'utf8'))
  return webcrypto.subtle.importKey('pkcs8', bytes!, algorithm, false, ['sign'])
}
