/**
 * A certificate request, PKCS#10 (RFC 2986), for an EC P-256 key:
 *
 *     SEQUENCE { CertificationRequestInfo, SEQUENCE { ecdsa-with-SHA256 }, BIT STRING signature }
 *     CertificationRequestInfo: SEQUENCE { INTEGER 0, Name, SubjectPublicKeyInfo, [0] {} }
 *     Name: SEQUENCE { SET { SEQUENCE { OID commonName, UTF8String } } }
 *
 * Node makes none, and a library for it would cost a running agent more memory than it has to spare (docs/decisions/0004).
 */
import { createPublicKey, type KeyObject, sign } from 'node:crypto'

const tag = { integer: 0x02, bits: 0x03, oid: 0x06, text: 0x0c, sequence: 0x30, set: 0x31, attributes: 0xa0 }
/** 2.5.4.3 and 1.2.840.10045.4.3.2, in DER. */
const commonName = Buffer.from('550403', 'hex')
const ecdsaWithSha256 = Buffer.from('2a8648ce3d040302', 'hex')

export function requestFor(name: string, key: KeyObject): string {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const subject = der(tag.sequence, der(tag.set, der(tag.sequence, der(tag.oid, commonName), der(tag.text, Buffer.from(name)))))
  const info = der(tag.sequence, der(tag.integer, Buffer.of(0)), subject, publicKey, der(tag.attributes))
  const signature = der(tag.bits, Buffer.of(0), sign('sha256', info, key))
  const request = der(tag.sequence, info, der(tag.sequence, der(tag.oid, ecdsaWithSha256)), signature)
  const lines = request.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`
}

/** Contents here are below 64 KiB. */
function der(type: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(type, ...size), content])
}
