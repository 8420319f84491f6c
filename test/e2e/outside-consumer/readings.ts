/** What the consumer printed against what was measured. */
import type { Measured } from '../../support/life/diary.ts'
import type { Ended } from './python.ts'

interface Difference {
  lost: number
  doubled: number
  /** There at its device, channel and time, with another value. */
  altered: number
  /** That nobody measured. */
  strange: number
  example?: string
}

export function difference(measured: Measured[], rows: Row[]): Difference {
  const found: Difference = { lost: 0, doubled: 0, altered: 0, strange: 0 }
  const truth = new Map(measured.map(({ device, channel, t, value }) => [`${device}/${channel}@${t}`, value]))
  const seen = new Set<string>()
  const note = (kind: Exclude<keyof Difference, 'example'>, example: string) => {
    found[kind]++
    found.example ??= `${kind}: ${example}`
  }
  for (const { place, text } of rows) {
    const value = truth.get(place)
    if (value === undefined) note('strange', place)
    else if (`${value}` !== text && (typeof value !== 'number' || value !== Number(text)))
      note('altered', `${place} ${value} ${text}`)
    else if (seen.has(place)) note('doubled', place)
    seen.add(place)
  }
  for (const place of truth.keys()) if (!seen.has(place)) note('lost', place)
  return found
}

interface Row {
  place: string
  text: string
}

/** RFC 4180: a text in quotes may hold commas, doubled quotes and line ends. */
export function rowsOf({ stdout }: Ended): Row[] {
  const row = /([^,]+),([^,]+),([^,]+),(?:"((?:[^"]|"")*)"|([^\r\n]*))\r?\n/g
  return [...stdout.matchAll(row)].map(([, device, channel, t, quoted, bare]) => {
    const text = quoted === undefined ? bare! : quoted.replaceAll('""', '"')
    const isBoolean = text === 'True' || text === 'False'
    return { place: `${device}/${channel}@${Number(t)}`, text: isBoolean ? text.toLowerCase() : text }
  })
}
