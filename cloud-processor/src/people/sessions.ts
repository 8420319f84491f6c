/** Sessions, kept here so that they can be ended. Of a token only its hash is kept. */
import { createHash, randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

export interface Session {
  /** SHA-256 of its token, base64url. */
  id: string
  name: string
  begunMs: number
  usedMs: number
}

/** Not used for so long, or begun so long ago: it is over. An open live view uses its session. */
const endAfterMs = { idle: 12 * 3_600_000, whole: 7 * 86_400_000 }
/** How exactly the last use is kept. */
const touchMs = 60_000
/** Of one account; the one used longest ago ends. */
const perAccountMax = 20

export class Sessions {
  readonly #db: DatabaseSync
  #all = new Map<string, Session>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  load(): void {
    const rows = this.#db.prepare('SELECT hash, name, begun_ms, used_ms FROM sessions').all() as {
      hash: Uint8Array
      name: string
      begun_ms: number
      used_ms: number
    }[]
    const all = rows.map(({ hash, name, begun_ms: begunMs, used_ms: usedMs }) => {
      const id = Buffer.from(hash).toString('base64url')
      return { id, name, begunMs, usedMs }
    })
    this.#all = new Map(all.map((session) => [session.id, session]))
  }

  get(id: string, nowMs: number): Session | undefined {
    const session = this.#all.get(id)
    return session && isOver(session, nowMs) ? undefined : session
  }

  of(name: string): Session[] {
    return [...this.#all.values()].filter((session) => session.name === name)
  }

  /** @returns the token */
  begin(name: string, nowMs: number): string {
    const token = newToken()
    const own = this.of(name).sort((a, b) => b.usedMs - a.usedMs)
    const over = [...this.#all.values()].filter((session) => isOver(session, nowMs))
    for (const { id } of [...over, ...own.slice(perAccountMax - 1)]) this.end(id)
    this.#db.prepare('INSERT INTO sessions VALUES (?, ?, ?, ?)').run(hashOf(token), name, nowMs, nowMs)
    this.load()
    return token
  }

  touch(session: Session, nowMs: number): void {
    if (nowMs - session.usedMs < touchMs) return
    session.usedMs = nowMs
    this.#db.prepare('UPDATE sessions SET used_ms = ? WHERE hash = ?').run(nowMs, Buffer.from(session.id, 'base64url'))
  }

  end(id: string): void {
    this.#db.prepare('DELETE FROM sessions WHERE hash = ?').run(Buffer.from(id, 'base64url'))
    this.#all.delete(id)
  }

  endAllOf(name: string): void {
    this.#db.prepare('DELETE FROM sessions WHERE name = ?').run(name)
    this.load()
  }
}

const isOver = ({ begunMs, usedMs }: Session, nowMs: number) =>
  nowMs - usedMs > endAfterMs.idle || nowMs - begunMs > endAfterMs.whole

export const newToken = () => randomBytes(32).toString('base64url')
export const hashOf = (token: string) => createHash('sha256').update(token).digest()
export const sessionId = (token: string) => hashOf(token).toString('base64url')
