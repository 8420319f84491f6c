/** How far it is, once a second: on one line of a terminal, else a line every ten seconds. */
import { basename } from 'node:path'
import type { SourceFile } from './files.ts'
import type { Converted } from './gathering.ts'
import type { Watermark } from './watermark.ts'

const everyMs = 1000
const everyMsOfFile = 10_000

export class Progress {
  readonly #out: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>
  #saidMs = Number.NEGATIVE_INFINITY
  #rows = 0
  #startedMs = performance.now()

  constructor(out: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>) {
    this.#out = out
  }

  block({ path }: SourceFile, { counts, checksum, size }: Watermark, { rows }: Pick<Converted, 'rows'>): void {
    this.#rows += rows
    const perSecond = Math.round(this.#rows / ((performance.now() - this.#startedMs) / 1000))
    const { read, refused } = counts.rows
    const share = size === 0 ? 100 : Math.floor((checksum.bytes / size) * 100)
    this.say(`${basename(path)} ${share} %: ${format(read)} rows, ${format(refused)} refused, ${format(perSecond)} rows/s`)
  }

  say(text: string): void {
    const { isTTY } = this.#out
    const nowMs = performance.now()
    if (nowMs - this.#saidMs < (isTTY ? everyMs : everyMsOfFile)) return
    this.#saidMs = nowMs
    this.#out.write(isTTY ? `\r\x1b[K${text}` : `${text}\n`)
  }

  /** Before anything else is written. */
  end(): void {
    if (this.#out.isTTY && this.#saidMs > 0) this.#out.write('\r\x1b[K')
  }
}

const format = (count: number) => count.toLocaleString('en-US')
