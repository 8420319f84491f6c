/**
 * When each password was last used, so that it is known when the older of two may end. Beside the users file, written by the running broker once a
 * minute and at its end, one password a line:
 *
 *     <user>:<id of the password>:<last used, ms since 1970>
 */
import { readFile } from 'node:fs/promises'
import { type Clock, every, type Log, writeDurably } from '@millrace/platform'

const writeEveryMs = 60_000

const useFileOf = (usersFile: string) => `${usersFile}.used`

/** @param usersFile the record lies beside it; without a record nothing was used */
export async function readUse(usersFile: string): Promise<PasswordUse> {
  const text = await readFile(useFileOf(usersFile), 'utf8').catch(() => '')
  return new PasswordUse(text)
}

export class PasswordUse {
  readonly #lastMs = new Map<string, number>()
  #isChanged = false

  constructor(text = '') {
    for (const [, key, ms] of text.matchAll(/^([^:]+:[0-9a-f]+):(\d+)$/gm)) this.#lastMs.set(key!, Number(ms))
  }

  lastMs(user: string, id: string): number | undefined {
    return this.#lastMs.get(`${user}:${id}`)
  }

  used(user: string, id: string, nowMs: number): void {
    this.#lastMs.set(`${user}:${id}`, Math.round(nowMs))
    this.#isChanged = true
  }

  /** Writes what has changed, of passwords that are there. @throws what writing throws */
  write(usersFile: string, isThere: (user: string, id: string) => boolean): void {
    if (!this.#isChanged) return
    for (const key of this.#lastMs.keys()) if (!isThere(...(key.split(':') as [string, string]))) this.#lastMs.delete(key)
    writeDurably(useFileOf(usersFile), [...this.#lastMs].map(([key, ms]) => `${key}:${ms}\n`).join(''))
    this.#isChanged = false
  }
}

interface KeepContext {
  clock: Clock
  log: Pick<Log, 'warn'>
}

/** Writes once a minute. @returns writes a last time and ends it */
export function keepUse(write: () => void, { clock, log }: KeepContext): () => void {
  let isSaid = false
  const attempt = () => {
    try {
      write()
    } catch (error) {
      if (!isSaid) log.warn('when passwords were last used is not kept', { error })
      isSaid = true
    }
  }
  const stop = every(clock, writeEveryMs, attempt)
  return () => {
    stop()
    attempt()
  }
}
