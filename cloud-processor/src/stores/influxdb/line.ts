/**
 * Line protocol: `measurement,tag=value,... field=value,... time`. Written by hand and not with the client's Point, which makes
 * a dozen objects for each line.
 *
 * A backslash and a line break have no spelling in a tag that all engines read alike. A device or channel with one cannot be
 * written; a text that becomes a label is written with `%XX` for them.
 */
import type { Row, Traits } from './dialects/dialect.ts'
import { type Measurement, revisionTag } from './schema.ts'

/** Whether a name can be a tag's value. */
export const isTag = (text: string): boolean => text !== '' && !/[\\\u0000-\u001f]/.test(text)

const escapeTag = (text: string): string => text.replace(/[ ,=]/g, '\\$&')

/** Everything before the fields. Tags in order of their names, as engines like them. */
export function seriesPrefix(measurement: Measurement, tags: Record<string, string>): string {
  const given = measurement.tags.map((tag) => `,${tag}=${escapeTag(tags[tag]!)}`).join('')
  const revision = tags[revisionTag] === undefined ? '' : `,${revisionTag}=${tags[revisionTag]}`
  return `${measurement.name}${given}${revision} `
}

/** A string field's value. */
export const quoteText = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** A time in the precision of the engine's lines. */
export function timeOf(us: number, { precision }: Traits): string {
  return precision === 'us' ? `${us}` : `${Math.round(us / 1000)}`
}

/** A row that is not a reading: all its tags and fields, of which absent ones are left out. */
export function lineOf(measurement: Measurement, { us, values }: Row, traits: Traits): string {
  let tags = ''
  const fields: string[] = []
  for (const tag of measurement.tags) tags += `,${tag}=${escapeTag(`${values[tag]}`)}`
  for (const [field, kind] of Object.entries(measurement.fields)) {
    const value = values[field]
    if (value === undefined) continue
    if (kind !== 'text') fields.push(`${field}=${value}${kind === 'integer' ? 'i' : ''}`)
    else if (traits.text === 'field') fields.push(`${field}=${quoteText(`${value}`)}`)
    else if (value !== '') tags += `,${field}=${escapeTag(encodeLabel(`${value}`))}`
  }
  if (!traits.replaces && values[revisionTag]) tags += `,${revisionTag}=${values[revisionTag]}`
  return `${measurement.name}${tags} ${fields.join(',')} ${timeOf(us, traits)}`
}

const percent = (character: string) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`
const encodeLabel = (text: string) => text.replace(/[%\\\u0000-\u001f]/g, percent)

export const decodeLabel = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
