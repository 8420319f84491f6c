/**
 * Satellites in view, once an epoch. From NMEA 4.10 on a receiver of several signals sends one group of GSV for each, and each
 * counts the satellites of its signal alone: 9 on L1, then 3 on L5. The channel follows one of them: the group of the combined
 * talker before that of GPS, without a signal before one with, and the lowest signal (1 is L1 C/A). Another takes its place
 * when it comes a second time with none of the first in between.
 */
export class SatellitesInView {
  #source: string | undefined
  /** Groups since the source's last one. */
  readonly #others = new Set<string>()

  /** Whether this group, by its first message, gives the value. Talkers other than GP and GN do not. */
  isSource(fields: string[]): boolean {
    const group = groupOf(fields)
    if (group === undefined || fields[2] !== '1') return false
    const isFirst = this.#source === undefined ? isMain(group) : group <= this.#source
    if (!isFirst && !this.#others.has(group)) {
      this.#others.add(group)
      return false
    }
    this.#source = group
    this.#others.clear()
    return true
  }

  reset(): void {
    this.#source = undefined
    this.#others.clear()
  }
}

/** Of the lowest signal that there is, or of all: what began with another may have begun amid an epoch. */
const isMain = (group: string) => group.length === 1 || group[1] === '1'

/** Sorts as its rank: `0` for GN, `1` for GP, and the signal, of which 0 says that it is not known. */
function groupOf(fields: string[]): string | undefined {
  const talker = ['GN', 'GP'].indexOf(fields[0]!.slice(0, 2))
  if (talker < 0) return undefined
  const signal = fields.length % 4 === 1 ? fields.at(-1)! : ''
  return `${talker}${signal === '0' ? 'Z' : signal}`
}
