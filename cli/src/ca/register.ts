/** What the authority has signed, and the tokens by which gateways ask for the first certificate. Of a secret only its hash is kept. */
import { createHash, randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { EnrolmentRefusal } from '@millrace/contract/enrolment'
import type { Clock } from '@millrace/platform'
import { pragma, transaction } from '@millrace/platform/sqlite'
import type { Issued } from './authority.ts'
import { openAuthorityFile } from './file.ts'

export interface Known {
  serial: string
  name: string
  untilMs: number
  /** PEM. */
  certificate: string
  revokedMs: number | null
  reason: string | null
}

const columns = 'serial, name, until_ms AS untilMs, certificate, revoked_ms AS revokedMs, reason'
/** A gateway that lost what it was given last still has the one before. */
const renewableOfName = 2

export class Register {
  readonly #file: { db: DatabaseSync; close(): void }
  readonly #clock: Pick<Clock, 'now'>

  /** @throws MillraceError CA_FILE */
  constructor(path: string, clock: Pick<Clock, 'now'>) {
    this.#file = openAuthorityFile(path)
    this.#clock = clock
  }

  /** @returns the secret. */
  makeToken(name: string, lifeMs: number): string {
    const secret = randomBytes(20).toString('base64url')
    this.#db.prepare('INSERT INTO tokens VALUES (?, ?, ?, NULL)').run(hash(secret), name, this.#clock.now() + lifeMs)
    return secret
  }

  /** For whom the token is, once it is used by this key and no other; or why it cannot be used. */
  useToken(secret: string, key: Uint8Array): { name: string } | EnrolmentRefusal {
    return transaction(this.#db, () => {
      const token = this.#db.prepare('SELECT name, until_ms AS untilMs, used_by AS usedBy FROM tokens WHERE hash = ?')
      const found = token.get(hash(secret)) as { name: string; untilMs: number; usedBy: Uint8Array | null } | undefined
      if (!found) return 'token-unknown'
      const { name, untilMs, usedBy } = found
      if (usedBy) return hash(key).equals(usedBy) ? { name } : 'token-used'
      if (untilMs < this.#clock.now()) return 'token-expired'
      this.#db.prepare('UPDATE tokens SET used_by = ? WHERE hash = ?').run(hash(key), hash(secret))
      return { name }
    })
  }

  /** The certificate of this key. */
  ofKey(key: Uint8Array): Known | undefined {
    return this.#db.prepare(`SELECT ${columns} FROM certificates WHERE key = ?`).get(hash(key)) as Known | undefined
  }

  ofSerial(serial: string): Known | undefined {
    return this.#db.prepare(`SELECT ${columns} FROM certificates WHERE serial = ?`).get(serial) as Known | undefined
  }

  /** It is one of the newest of its name. */
  isRecent({ name, serial }: Known): boolean {
    const newest = this.#db.prepare('SELECT serial FROM certificates WHERE name = ? ORDER BY number DESC LIMIT ?')
    return newest.all(name, renewableOfName).some((row) => row.serial === serial)
  }

  /**
   * Adds what was signed, unless what it follows from was revoked in between, or its key has a certificate already: then it is that.
   * @param after the serial of the certificate that it renews, or the secret of the token
   */
  add(name: string, key: Uint8Array, issued: Issued, after: { serial: string } | { secret: string }): Known | 'revoked' {
    return transaction(this.#db, () => {
      const known = this.ofKey(key)
      if (known) return known.revokedMs === null ? known : 'revoked'
      const isGood = 'serial' in after ? this.ofSerial(after.serial)?.revokedMs === null : this.#hasToken(after.secret)
      if (!isGood) return 'revoked'
      this.record(name, key, issued)
      return this.ofKey(key)!
    })
  }

  /** Of a certificate that was made here, by the command line. */
  record(name: string, key: Uint8Array, { serial, untilMs, certificate }: Issued): void {
    const insert = this.#db.prepare('INSERT INTO certificates (serial, name, key, until_ms, certificate) VALUES (?, ?, ?, ?, ?)')
    insert.run(serial, name, hash(key), untilMs, certificate)
  }

  /** All certificates of the name, and its tokens. @returns how many certificates */
  revoke(name: string, reason: string | undefined): number {
    return transaction(this.#db, () => {
      this.#db.prepare('DELETE FROM tokens WHERE name = ?').run(name)
      const revoke = this.#db.prepare('UPDATE certificates SET revoked_ms = ?, reason = ? WHERE name = ? AND revoked_ms IS NULL')
      return Number(revoke.run(this.#clock.now(), reason ?? null, name).changes)
    })
  }

  /** The newest first. */
  list(): Known[] {
    return this.#db.prepare(`SELECT ${columns} FROM certificates ORDER BY number DESC`).all() as unknown as Known[]
  }

  revoked(): Known[] {
    return this.list().filter(({ revokedMs }) => revokedMs !== null)
  }

  /** Changes when another process has changed the file. */
  version(): number {
    return pragma(this.#db, 'data_version')
  }

  close(): void {
    this.#file.close()
  }

  #hasToken(secret: string): boolean {
    return this.#db.prepare('SELECT 1 FROM tokens WHERE hash = ?').get(hash(secret)) !== undefined
  }

  get #db(): DatabaseSync {
    return this.#file.db
  }
}

const hash = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest()
