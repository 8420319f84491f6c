/**
 * Client certificates: what a TLS connection proved, and which were revoked. The name in a certificate (CN) is the user: one of the
 * users file with the role that it has there, else, as `group/node`, that node.
 *
 * A revoked certificate is closed as soon as the list is read, which is looked at four times a second: revocation has to be effective
 * within a second on every listener. One that ended while its client was connected is closed at the next look.
 */
import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type Clock, type Log, MillraceError } from '@millrace/platform'
import { type Rights, rightsOf } from './policy.ts'
import { WatchedFile } from './watched-file.ts'

export interface ClientCertificate {
  /** Absent: the certificate is not valid here. */
  name?: string | undefined
  /** Hexadecimal, lower case. */
  serial: string
  untilMs: number
}

const lookEveryMs = 250

/** Undefined: none was sent. */
export function certificateOf(socket: Socket): ClientCertificate | undefined {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
  if (!certificate) return undefined
  const name = (socket as TLSSocket).authorized ? commonName(certificate) : undefined
  return { name, serial: certificate.serialNumber.toLowerCase(), untilMs: certificate.validToDate.getTime() }
}

/** Node writes one part of the subject a line. Two names are none. */
function commonName({ subject }: X509Certificate): string | undefined {
  const names = [...(subject ?? '').matchAll(/^CN=(.*)$/gm)]
  return names.length === 1 ? names[0]![1] : undefined
}

/** Of a certificate whose name no user has: a node of that name, or none. */
export function rightsOfName(name: string): Rights | undefined {
  try {
    return rightsOf(name, 'node', [name])
  } catch {
    return undefined
  }
}

/** @throws MillraceError BROKER_REVOKED_UNREADABLE at the first reading. */
export async function openRevoked(path: string | undefined, { clock, log }: { clock: Clock; log: Log }): Promise<Revoked> {
  const revoked = new Revoked(path, log)
  await revoked.load().catch((cause: Error) => {
    throw new MillraceError('BROKER_REVOKED_UNREADABLE', { path: path!, detail: cause.message }, cause)
  })
  revoked.look(clock)
  return revoked
}

/** The list of revoked certificates, one a line: its serial number, hexadecimal, and more for people behind it. */
export class Revoked extends WatchedFile {
  readonly #looks: (() => void)[] = []
  #serials = new Set<string>()

  constructor(path: string | undefined, log: Log) {
    super({ path, what: 'list of revoked certificates', lookEveryMs, log })
  }

  has(serial: string): boolean {
    return this.#serials.has(serial)
  }

  /** Called after each change of the list. */
  onChange(call: () => void): void {
    this.#looks.push(call)
  }

  protected override take(text: string): void {
    const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'))
    const serials = lines.map((line) => line.split(/\s/, 1)[0]!.toLowerCase())
    const wrong = serials.find((serial) => !/^[0-9a-f]+$/.test(serial))
    if (wrong !== undefined) throw new Error(`"${wrong}" is not a serial number`)
    this.#serials = new Set(serials)
    for (const call of this.#looks) call()
  }
}
