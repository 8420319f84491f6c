/** A file that is read again when it has changed. One that became unreadable or wrong changes nothing, and is told of once. */
import { readFile, stat } from 'node:fs/promises'
import { type Clock, every, type Log } from '@millrace/platform'

export interface WatchedFileParts {
  path: string
  /** As it is told of. */
  what: string
  log: Pick<Log, 'warn'>
  /** Takes the text. What it throws leaves everything as it was. */
  take(text: string, path: string): void
}

export class WatchedFile {
  readonly #parts: WatchedFileParts
  /** Version of the file that was read last. */
  #seen = ''
  /** The failure that was logged last. */
  #said = ''
  #stop = () => {}

  constructor(parts: WatchedFileParts) {
    this.#parts = parts
  }

  /** Reads the file where it has changed. @throws what reading or `take` throws */
  async load(): Promise<void> {
    const { path, take } = this.#parts
    const version = await versionOf(path)
    if (version === this.#seen) return
    take(await readFile(path, 'utf8'), path)
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
  look(clock: Clock, everyMs: number): void {
    this.#stop = every(clock, everyMs, () => void this.reload())
  }

  close(): void {
    this.#stop()
  }
}

async function versionOf(path: string): Promise<string> {
  const { ino, mtimeMs, size } = await stat(path)
  return `${ino} ${mtimeMs} ${size}`
}
