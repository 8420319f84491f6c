/** A file that is read again when it has changed. One that became unreadable or wrong changes nothing, and is told of once. */
import { readFile, stat } from 'node:fs/promises'
import { type Clock, every, type Log } from '@millrace/platform'

export interface WatchedFileParts {
  /** Absent: there is none, and nothing is ever taken. */
  path: string | undefined
  /** As it is told of. */
  what: string
  lookEveryMs: number
  log: Pick<Log, 'warn'>
}

export abstract class WatchedFile {
  readonly #parts: WatchedFileParts
  /** Version of the file that was read last. */
  #seen = ''
  /** The failure that was logged last. */
  #said = ''
  #stop = () => {}

  constructor(parts: WatchedFileParts) {
    this.#parts = parts
  }

  /** Takes the text. What it throws leaves everything as it was. */
  protected abstract take(text: string, path: string): void

  /** Reads the file where it has changed. @throws what reading or `take` throws */
  async load(): Promise<void> {
    const { path } = this.#parts
    if (path === undefined) return
    const version = await versionOf(path)
    if (version === this.#seen) return
    this.take(await readFile(path, 'utf8'), path)
    this.#seen = version
    this.#said = ''
  }

  /** Looks at the file now. */
  async reload(): Promise<void> {
    await this.load().catch((error: Error) => {
      if (error.message !== this.#said) this.#parts.log.warn(`${this.#parts.what} kept as it was`, { error })
      this.#said = error.message
    })
  }

  /** Looks at the file from now on, until it is closed. */
  look(clock: Clock): void {
    if (this.#parts.path !== undefined) this.#stop = every(clock, this.#parts.lookEveryMs, () => void this.reload())
  }

  close(): void {
    this.#stop()
  }
}

async function versionOf(path: string): Promise<string> {
  const { ino, mtimeMs, size } = await stat(path)
  return `${ino} ${mtimeMs} ${size}`
}
