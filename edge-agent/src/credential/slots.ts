/**
 * Where a gateway keeps its certificate, `<dataDir>/credential/`, for the agent's user alone. Key and certificate of a slot are one
 * file, so that no moment has the one without the other:
 *
 *     current.pem    the credential in use: private key, certificate
 *     next.pem       the renewed one, until a connection with it has succeeded; then it takes the place of `current.pem` in one step
 *     <of>.key       the key of a request, of a renewal or of a token: asked again after a crash, it gets the same certificate. That of a
 *                    token stays until the first renewal, since `setup` goes on after the certificate is there
 *
 * After `kill -9` at any point `current.pem` works, and what was begun goes on from its file.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { chownSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, renameDurably, writeDurably } from '@millrace/platform'

export interface Credential {
  key: KeyObject
  certificate: X509Certificate
}

export class Slots {
  readonly current: string
  readonly next: string
  readonly #dir: string
  readonly #dataDir: string

  constructor(dataDir: string) {
    this.#dataDir = dataDir
    this.#dir = join(dataDir, 'credential')
    this.current = join(this.#dir, 'current.pem')
    this.next = join(this.#dir, 'next.pem')
  }

  /** Undefined: there is none that can be read. */
  read(slot: 'current' | 'next'): Credential | undefined {
    try {
      const pem = readFileSync(this[slot], 'utf8')
      return { key: createPrivateKey(pem), certificate: new X509Certificate(pem) }
    } catch {
      return undefined
    }
  }

  /** The key of the request that was begun, else of a new one; it is on the disk. */
  requestKey(of: string): KeyObject {
    const path = this.#keyFile(of)
    if (existsSync(path)) return createPrivateKey(readFileSync(path, 'utf8'))
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#write(path, textOf(privateKey))
    return privateKey
  }

  put(slot: 'current' | 'next', { key, certificate }: { key: KeyObject; certificate: string }): void {
    this.#write(this[slot], `${textOf(key)}${certificate}`)
  }

  /** A connection with the next credential has succeeded. */
  promote(): void {
    renameDurably(this.next, this.current)
  }

  dropNext(): void {
    rmSync(this.next, { force: true })
  }

  /** Those of requests that are answered; `except` may be asked for again. */
  forgetKeys(except?: string): void {
    const keys = readdirSync(this.#dir).filter((name) => name.endsWith('.key') && name !== `${except}.key`)
    for (const name of keys) rmSync(join(this.#dir, name), { force: true })
  }

  #keyFile(of: string): string {
    return join(this.#dir, `${of}.key`)
  }

  /** What root writes belongs to the agent's user. */
  #write(path: string, text: string): void {
    makeFolder(this.#dir)
    writeDurably(path, text)
    if (process.getuid?.() !== 0) return
    const { uid, gid } = statSync(this.#dataDir)
    for (const owned of [this.#dir, path]) chownSync(owned, uid, gid)
  }
}

function textOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}
