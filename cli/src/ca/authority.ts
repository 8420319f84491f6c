/**
 * An authority of one's own: ECDSA P-256, PEM, keys for their owner's eyes only. It signs certificates of servers and of gateways,
 * and the list of those that are revoked. Small devices check such a signature in a fraction of the time of RSA.
 */
// Before @peculiar/x509, which uses it when it is loaded.
import 'reflect-metadata'
import { createHash, webcrypto } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { makeFolder, writeDurably } from '@millrace/platform'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509'

cryptoProvider.set(webcrypto as never)
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000
const authorityDays = 3650
/** More is refused by some clients. */
const serverDays = 397
/** Mosquitto refuses everybody once the list is older: it is written again much sooner. */
const listDays = 30

export interface Pair {
  certFile: string
  keyFile: string
}

/** Of a certificate that was made. */
export interface Issued {
  serial: string
  /** PEM. */
  certificate: string
  untilMs: number
}

export const authorityIn = (dir: string): Pair => ({ certFile: join(dir, 'ca.crt'), keyFile: join(dir, 'ca.key') })

/** @returns false when there is one already, which stays: devices trust it. */
export async function makeAuthority(dir: string, name: string): Promise<boolean> {
  const files = authorityIn(dir)
  if (existsSync(files.keyFile)) return false
  makeFolder(dir)
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validFor(authorityDays, dayMs),
    name: [{ CN: [name] }],
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey as never),
    ],
  })
  await write(files, `${certificate.toString('pem')}\n`, keys.privateKey)
  return true
}

/** A certificate for a server with these names and addresses. */
export async function issueServer(dir: string, names: string[], files: Pair): Promise<Issued> {
  const keys = await newKeys()
  const usage = { use: ExtendedKeyUsage.serverAuth, names: names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })) }
  // A clock that is a little behind must take it already.
  const valid = validFor(serverDays, dayMs)
  const issued = await sign(dir, { name: names[0]!, key: keys.publicKey, valid, ...(usage as Usage) })
  await write(files, issued.certificate, keys.privateKey)
  return issued
}

/** A certificate for a client, whose key stays where it was made. @param key SPKI, DER */
export async function issueClient(dir: string, name: string, key: Uint8Array, days: number): Promise<Issued> {
  const publicKey = await webcrypto.subtle.importKey('spki', key, algorithm, true, ['verify'])
  // By a share of its life, so that "two thirds of it" means the same for hours and for weeks.
  const valid = validFor(days, (days * dayMs) / 100)
  return sign(dir, { name, key: publicKey, valid, use: ExtendedKeyUsage.clientAuth, names: [] })
}

/** The public key (SPKI, DER) of a request that its own key has signed; undefined: it is not one, or of another kind of key. */
export async function keyOfRequest(pem: string): Promise<Buffer | undefined> {
  try {
    const request = new Pkcs10CertificateRequest(pem)
    const { name, namedCurve } = request.publicKey.algorithm as { name: string; namedCurve?: string }
    if (name !== 'ECDSA' || namedCurve !== 'P-256' || !(await request.verify())) return undefined
    return Buffer.from(request.publicKey.rawData)
  } catch {
    return undefined
  }
}

/** The list of revoked certificates (RFC 5280), PEM. */
export async function revocationList(dir: string, entries: { serial: string; atMs: number }[]): Promise<string> {
  const { certificate, key } = await open(dir)
  const list = await X509CrlGenerator.create({
    issuer: certificate.subject,
    thisUpdate: new Date(Date.now() - dayMs),
    nextUpdate: new Date(Date.now() + listDays * dayMs),
    entries: entries.map(({ serial, atMs }) => ({ serialNumber: serial, revocationDate: new Date(atMs) })),
    signingAlgorithm: algorithm,
    signingKey: key as never,
  })
  return `${PemConverter.encode(list.rawData, 'X509 CRL')}\n`
}

/** SHA-256 of the authority's certificate, hexadecimal. */
export function fingerprintOf(dir: string): string {
  const [bytes] = PemConverter.decode(readFileSync(authorityIn(dir).certFile, 'utf8'))
  return createHash('sha256').update(new Uint8Array(bytes!)).digest('hex')
}

interface Usage {
  use: ExtendedKeyUsage
  names: JsonGeneralNames
}

interface Signing extends Usage {
  name: string
  key: webcrypto.CryptoKey
  valid: ReturnType<typeof validFor>
}

async function sign(dir: string, { name, key, valid, use, names }: Signing): Promise<Issued> {
  const authority = await open(dir)
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([use]),
    ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
    await AuthorityKeyIdentifierExtension.create(authority.certificate),
  ]
  const certificate = await X509CertificateGenerator.create({
    ...valid,
    subject: [{ CN: [name] }],
    issuer: authority.certificate.subject,
    signingKey: authority.key as never,
    signingAlgorithm: algorithm,
    publicKey: key as never,
    extensions,
  })
  return { serial: valid.serialNumber, certificate: `${certificate.toString('pem')}\n`, untilMs: certificate.notAfter.getTime() }
}

function newKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

/** The first bit of a serial number is 0: it is a positive number [RFC 5280 section 4.1.2.2]. */
function validFor(days: number, earlierMs: number) {
  const serial = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)))
  serial[0] = (serial[0]! & 0x3f) | 0x40
  const nowMs = Date.now()
  return {
    serialNumber: serial.toString('hex'),
    notBefore: new Date(nowMs - earlierMs),
    notAfter: new Date(nowMs + days * dayMs),
  }
}

/** The key first: a certificate without its key could not be told from one that works. */
async function write({ certFile, keyFile }: Pair, certificate: string, key: webcrypto.CryptoKey): Promise<void> {
  const secret = await webcrypto.subtle.exportKey('pkcs8', key)
  writeDurably(keyFile, `${PemConverter.encode(secret, 'PRIVATE KEY')}\n`)
  writeDurably(certFile, certificate, 0o644)
}

async function open(dir: string): Promise<{ certificate: X509Certificate; key: webcrypto.CryptoKey }> {
  const files = authorityIn(dir)
  const [bytes] = PemConverter.decode(readFileSync(files.keyFile, 'utf8'))
  const key = await webcrypto.subtle.importKey('pkcs8', bytes!, algorithm, false, ['sign'])
  return { certificate: new X509Certificate(readFileSync(files.certFile, 'utf8')), key }
}
