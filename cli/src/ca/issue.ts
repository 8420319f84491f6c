/** Certificates whose keys are made here: for servers, and for clients without the agent. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError, writeDurably } from '@millrace/platform'
import { issueClient, issueServer, type Pair } from './authority.ts'
import type { Register } from './register.ts'

export interface IssueOptions {
  /** Folder of the authority. */
  dir: string
  /** Folder of key and certificate. */
  to: string
  name: string
  register: Pick<Register, 'record'>
  /** Of a client's certificate. */
  days: number
  /** More names and addresses of a server; absent: it is for a client. */
  servers: string[] | undefined
}

/** What the broker takes for the name of a node. */
export const isGateway = (name: string) => /^[^/+#:,\u0000-\u0020]+\/[^/+#:,\u0000-\u0020]+$/.test(name)

/** @throws MillraceError CA_NAME */
export async function issueTo({ dir, to, name, register, days, servers }: IssueOptions): Promise<Pair> {
  if (!isGateway(name) && !/^[\w.-]+$/.test(name))
    throw new MillraceError('CA_NAME', { name, detail: 'a name is group/node, or letters, digits, dots and hyphens' })
  const file = join(to, name.replace('/', '-'))
  const files = { certFile: `${file}.crt`, keyFile: `${file}.key` }
  if (servers) {
    const issued = await issueServer(dir, [name, ...servers], files)
    register.record(`server ${name}`, keyOf(issued.certificate), issued)
    return files
  }
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = publicKey.export({ type: 'spki', format: 'der' })
  const issued = await issueClient(dir, name, key, days)
  register.record(name, key, issued)
  writeDurably(files.keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
  writeDurably(files.certFile, issued.certificate, 0o644)
  return files
}

/** A new certificate for the broker of this folder, with the names that it has. */
export async function renewIn(dir: string): Promise<{ names: string[]; certFile: string }> {
  const files = { certFile: join(dir, '..', 'broker.crt'), keyFile: join(dir, '..', 'broker.key') }
  const { subjectAltName = '' } = new X509Certificate(readFileSync(files.certFile))
  const names = subjectAltName.split(', ').map((name) => name.replace(/^(?:DNS|IP Address):/, ''))
  await issueServer(dir, names, files)
  return { names, certFile: files.certFile }
}

function keyOf(certificate: string): Buffer {
  return new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
}
