/** Where a text or a boolean of a device changed while the page was open. Bounded. */
import type { Value } from '@millrace/contract'

const changesMax = 2000

export class States {
  readonly t: number[] = []
  readonly v: Value[] = []

  add(t: number[], v: Value[]): void {
    for (let k = 0; k < t.length; k++) {
      if (t[k]! <= (this.t.at(-1) ?? Number.NEGATIVE_INFINITY) || v[k] === this.v.at(-1)) continue
      this.t.push(t[k]!)
      this.v.push(v[k]!)
    }
    const over = this.t.length - changesMax
    if (over > 0) for (const column of [this.t, this.v]) column.splice(0, over)
  }
}
