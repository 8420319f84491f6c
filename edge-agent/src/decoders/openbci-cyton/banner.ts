/** The text that a Cyton sends when it is reset, up to `$$$`; it names the amplifiers that it found. */
import type { Board } from './frames.ts'

const cyton = /On Board ADS1299 Device ID: 0x(?!00)/
const daisy = /On Daisy ADS1299 Device ID: 0x(?!00)/

/** Why the configured board cannot be the one that sent this; undefined when it may be. */
export function wrongBoard(configured: Board, text: string): string | undefined {
  if (configured === 'cyton') return daisy.test(text) ? hasDaisy('its banner names a Daisy') : undefined
  const isAlone = cyton.test(text) && !daisy.test(text) && text.includes('$$$')
  return isAlone ? 'its banner names no Daisy: set board: cyton, or attach the Daisy and reset the board' : undefined
}

export function hasDaisy(seen: string): string {
  return `${seen}: set board: cyton-daisy for 16 channels; as a plain Cyton two boards would alternate in the channels of one`
}
