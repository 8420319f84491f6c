/** The accounts of a page as this process sees them: changed here or by another process, everybody who follows is told at once. */
import type { DatabaseSync } from 'node:sqlite'
import type { Control } from '@millrace/contract'
import { type Clock, every, type Log, MillraceError } from '@millrace/platform'
import { transaction } from '@millrace/platform/sqlite'
import { type Account, checkAccount, type Role } from './account.ts'
import { Accounts } from './accounts.ts'
import { type AuditEntry, type AuditRow, AuditTrail } from './audit.ts'
import { openPeopleFile } from './file.ts'
import { Links } from './links.ts'
import { checkPassword, hashPassword, isOutdated, Verifier } from './password.ts'
import { Sessions, sessionId } from './sessions.ts'

/** Who changes something, and why. */
export interface Actor {
  by: string
  reason?: string | undefined
}

/** Changes by another process are seen after this long. */
const lookEveryMs = 200

export class People {
  readonly #db: DatabaseSync
  readonly #close: () => void
  readonly #clock: Clock
  readonly #trail: AuditTrail
  readonly #accounts: Accounts
  readonly #links: Links
  readonly #verifier = new Verifier()
  readonly #changed: (() => void)[] = []
  #stop = () => {}
  #isLogging = false
  readonly sessions: Sessions

  /** @throws MillraceError PEOPLE_FILE */
  constructor(path: string, clock: Clock) {
    const { db, close } = openPeopleFile(path)
    this.#db = db
    this.#close = close
    this.#clock = clock
    this.#trail = new AuditTrail(db)
    this.sessions = new Sessions(db)
    this.#accounts = new Accounts(db)
    this.#links = new Links(db)
    this.#load()
  }

  /** From now on changes of other processes are seen, and the trail is put into the log. */
  follow(append: (control: Control) => Promise<void>, log: Log): void {
    let said = ''
    const attempt = (work: () => unknown) =>
      Promise.resolve()
        .then(work)
        .then(() => {
          said = ''
        })
        .catch((error: Error) => {
          if (error.message !== said) log.warn('accounts or their audit trail cannot be read or written', { error })
          said = error.message
        })
    this.#stop = every(this.#clock, lookEveryMs, () => void attempt(() => this.#look(append)))
  }

  async #look(append: (control: Control) => Promise<void>): Promise<void> {
    this.#catchUp()
    if (this.#isLogging) return
    this.#isLogging = true
    await this.#trail.intoLog(append).finally(() => {
      this.#isLogging = false
    })
  }

  /** Called after every change of accounts or sessions. */
  onChange(call: () => void): void {
    this.#changed.push(call)
  }

  get isEmpty(): boolean {
    return this.#accounts.size === 0
  }

  list(): Account[] {
    return this.#accounts.list()
  }

  get(name: string): Account | undefined {
    return this.#accounts.get(name)
  }

  /** The account whose password this is. Undefined: it is none. @throws MillraceError WEB_LOGIN_THROTTLED */
  async prove(name: string, password: string, address: string): Promise<Account | undefined> {
    const hash = this.#accounts.passwordOf(name)
    const isRight = await this.#verifier.verify(this.get(name)?.name ?? name, hash, password, address)
    if (isRight === undefined) throw new MillraceError('WEB_LOGIN_THROTTLED')
    // It may have changed while the password was checked.
    if (!isRight || hash === undefined || this.#accounts.passwordOf(name) !== hash) return undefined
    if (isOutdated(hash)) {
      const better = await hashPassword(password)
      this.#run('UPDATE accounts SET password = ? WHERE name = ? AND password = ?', better, name, hash)
    }
    return this.get(name)
  }

  /** @returns the token of a new session */
  begin(name: string): string {
    return this.sessions.begin(name, this.#now())
  }

  /** Whose session this token is. */
  whose(token: string): { account: Account; session: string } | undefined {
    const nowMs = this.#now()
    const session = this.sessions.get(sessionId(token), nowMs)
    const account = session && this.get(session.name)
    if (!account) return undefined
    this.sessions.touch(session, nowMs)
    return { account, session: session.id }
  }

  /** Whether the session goes on; an open live view uses it. */
  isOn(session: string): boolean {
    const nowMs = this.#now()
    const known = this.sessions.get(session, nowMs)
    if (known) this.sessions.touch(known, nowMs)
    return known !== undefined
  }

  end(session: string): void {
    this.#change(() => this.sessions.end(session))
  }

  /** @returns the token of the link by which its password is set. @throws MillraceError PEOPLE_INVALID */
  add(account: { name: string; role: Role; scope: string[] }, actor: Actor): string {
    checkAccount(account)
    this.#catchUp()
    if (this.get(account.name))
      throw new MillraceError('PEOPLE_INVALID', { detail: `the name ${account.name}: there is such an account` })
    const { name, role, scope } = account
    return this.#changeAccount({ action: 'account.add', target: name, after: { role, scope } }, actor, () => {
      this.#run('INSERT INTO accounts VALUES (?, ?, ?, NULL, ?)', name, role, JSON.stringify(scope), this.#now())
      return this.#links.make(name, this.#now())
    })
  }

  /** With another role or scope its sessions end. @throws MillraceError PEOPLE_UNKNOWN, PEOPLE_INVALID, PEOPLE_LAST_ADMIN */
  change(name: string, to: { role?: Role | undefined; scope?: string[] | undefined }, actor: Actor): void {
    const before = this.#find(name)
    const after = { name: before.name, role: to.role ?? before.role, scope: to.scope ?? before.scope }
    checkAccount(after)
    if (before.role === 'admin' && after.role !== 'admin') this.#mustHaveOtherAdmin(before.name)
    const part = ({ role, scope }: typeof after) => ({ role, scope })
    const entry = {
      action: to.role ? 'account.role' : 'account.scope',
      target: before.name,
      before: part(before),
      after: part(after),
    }
    this.#changeAccount(entry, actor, () => {
      const { role, scope } = after
      this.#run('UPDATE accounts SET role = ?, scope = ? WHERE name = ?', role, JSON.stringify(scope), before.name)
      this.#letOut(before.name)
    })
  }

  /** A link for a new password; the old one, and the sessions, end when it is opened. @throws MillraceError PEOPLE_UNKNOWN */
  link(name: string, actor: Actor): string {
    const { name: target } = this.#find(name)
    return this.#changeAccount({ action: 'account.link', target }, actor, () => this.#links.make(target, this.#now()))
  }

  /** @returns how many. @throws MillraceError PEOPLE_UNKNOWN */
  endSessions(name: string, actor: Actor): number {
    const { name: target } = this.#find(name)
    const ended = this.sessions.of(target).length
    this.#changeAccount({ action: 'account.end-sessions', target, before: { sessions: ended } }, actor, () =>
      this.#letOut(target),
    )
    return ended
  }

  /** @throws MillraceError PEOPLE_UNKNOWN, PEOPLE_LAST_ADMIN */
  remove(name: string, actor: Actor): void {
    const { name: target, role, scope } = this.#find(name)
    // The last one of all may go: then the first link is made again.
    if (role === 'admin' && this.#accounts.size > 1) this.#mustHaveOtherAdmin(target)
    this.#changeAccount({ action: 'account.remove', target, before: { role, scope } }, actor, () => {
      this.#run('DELETE FROM accounts WHERE name = ?', target)
      this.#links.removeOf(target)
      this.sessions.endAllOf(target)
    })
  }

  /** The link by which the first admin is made, while there is no account; the one before is worth nothing. */
  firstLink(): string {
    this.#links.removeOf(null)
    return this.#links.make(null, this.#now())
  }

  /** Opens a link, once: sets the password of its account. @returns the account's name. @throws MillraceError WEB_LINK, PEOPLE_INVALID */
  async open(link: string, { name, password }: { name?: string | undefined; password: string }): Promise<string> {
    const owner = this.#ownerOf(link)
    const isFirst = owner === null
    const target = owner ?? name ?? ''
    if (isFirst) checkAccount({ name: target, role: 'admin', scope: [] })
    checkPassword(password, target)
    const hash = await hashPassword(password)
    return this.#changeAccount({ action: isFirst ? 'account.first' : 'account.password', target }, { by: target }, () => {
      this.#catchUp()
      this.#links.use(link)
      if (isFirst && !this.isEmpty) throw new MillraceError('WEB_LINK')
      if (isFirst) this.#run('INSERT INTO accounts VALUES (?, ?, ?, ?, ?)', target, 'admin', '[]', hash, this.#now())
      else this.#run('UPDATE accounts SET password = ? WHERE name = ?', hash, target)
      this.#letOut(target)
      return target
    })
  }

  /** Of a link that can be opened: for whom; undefined for the first admin. @throws MillraceError WEB_LINK */
  linkFor(link: string): string | undefined {
    return this.#ownerOf(link) ?? undefined
  }

  #ownerOf(link: string): string | null {
    const owner = this.#links.ownerOf(link, this.#now())
    if (owner === null && !this.isEmpty) throw new MillraceError('WEB_LINK')
    return owner
  }

  /** What is not about accounts. It is in the trail, durably, when this returns. */
  audit(entry: AuditEntry): void {
    this.#trail.add(entry, this.#clock.now())
  }

  trail(limit: number, below?: number): AuditRow[] {
    return this.#trail.newest(limit, below)
  }

  close(): void {
    this.#stop()
    this.#close()
  }

  #find(name: string): Account {
    this.#catchUp()
    const account = this.get(name)
    if (!account) throw new MillraceError('PEOPLE_UNKNOWN', { name: name.slice(0, 100) })
    return account
  }

  #mustHaveOtherAdmin(name: string): void {
    const isOther = (other: Account) => other.role === 'admin' && other.name !== name
    if (!this.list().some(isOther)) throw new MillraceError('PEOPLE_LAST_ADMIN', { name })
  }

  #changeAccount<T>(entry: Omit<AuditEntry, 'by'>, { by, reason }: Actor, work: () => T): T {
    return this.#change(() =>
      transaction(this.#db, () => {
        const result = work()
        this.audit({ ...entry, by, reason })
        return result
      }),
    )
  }

  #change<T>(work: () => T): T {
    try {
      return work()
    } finally {
      this.#reload()
    }
  }

  #letOut(name: string): void {
    this.#run('UPDATE accounts SET changed_ms = max(changed_ms + 1, ?) WHERE name = ?', this.#now(), name)
    this.sessions.endAllOf(name)
  }

  #now(): number {
    return Math.round(this.#clock.now())
  }

  #run(sql: string, ...values: (string | number | null | Uint8Array)[]): number {
    return Number(this.#db.prepare(sql).run(...values).changes)
  }

  /** With what another process has changed. */
  #catchUp(): void {
    if (this.#accounts.isStale()) this.#reload()
  }

  #reload(): void {
    this.#load()
    for (const call of this.#changed) call()
  }

  #load(): void {
    this.#accounts.load()
    this.sessions.load()
  }
}
