/** Reads, converts and checks as an import does, and keeps nothing but the first readings, to be looked at. */
import type { SourceFile } from './files.ts'
import type { Converted } from './gathering.ts'
import type { Progress } from './progress.ts'
import type { Target } from './target.ts'
import type { Watermark } from './watermark.ts'

/** Of each device and channel, and of what was refused. */
const shownMax = 3
const seriesMax = 20

export class DryRun implements Target {
  readonly first: object[] = []
  readonly #progress: Progress
  readonly #shown = new Map<string, number>()

  constructor(progress: Progress) {
    this.#progress = progress
  }

  watermark(): undefined {}

  async declare(): Promise<void> {}

  async commit(): Promise<void> {}

  block(file: SourceFile, mark: Watermark, converted: Converted): void {
    this.#progress.block(file, mark, converted)
    for (const [device, columns] of converted.devices)
      for (const [channel, { t, v }] of Object.entries(columns))
        for (let k = 0; k < Math.min(shownMax, t.length); k++)
          this.#show(`${device}/${channel}`, { device, channel, time: new Date(t[k]!).toISOString(), value: v[k] })
    for (const refused of converted.refused) this.#show(`refused ${refused.reason}`, { file: file.path, ...refused })
  }

  #show(series: string, what: object): void {
    const shown = this.#shown.get(series) ?? 0
    if (shown >= shownMax || (shown === 0 && this.#shown.size >= seriesMax)) return
    this.#shown.set(series, shown + 1)
    this.first.push(what)
  }
}
