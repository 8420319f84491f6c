/** One JSON object a line. A field inside another is `outer.inner`. */
import { setOwn } from '@millrace/platform'
import { z } from 'zod'
import type { Extract, Row } from '../extract.ts'
import { lineBlocks } from '../line-blocks.ts'

const schema = z.strictObject({})

export const jsonLines: Extract<z.infer<typeof schema>> = {
  kind: 'json-lines',
  schema,
  isAppendable: true,
  read: (path, _, from) => lineBlocks(path, from, { reason: 'json', fieldsOf }),
}

function fieldsOf(line: string): Row['fields'] {
  const value: unknown = JSON.parse(line)
  if (!isObject(value)) throw new Error('is not an object')
  if (!Object.values(value).some(isObject)) return value
  const fields: Row['fields'] = {}
  flatten(value, '', fields)
  return fields
}

/** JSON.parse has a bound of depth of its own. */
function flatten(object: Row['fields'], prefix: string, into: Row['fields']): void {
  for (const [name, value] of Object.entries(object))
    if (isObject(value)) flatten(value, `${prefix}${name}.`, into)
    else setOwn(into, `${prefix}${name}`, value)
}

const isObject = (value: unknown): value is Row['fields'] => typeof value === 'object' && value !== null && !Array.isArray(value)
