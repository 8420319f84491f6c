/**
 * InfluxDB line protocol, as databases export it. The columns of a row are `measurement`, `tag.<key>`, `<measurement>.<field>`
 * and `time`.
 */
import { parsePoint } from '@millrace/cloud-processor/prepare'
import { setOwn } from '@millrace/platform'
import { z } from 'zod'
import type { Extract, Row } from '../extract.ts'
import { lineBlocks } from '../line-blocks.ts'

const schema = z.strictObject({})

export const lineProtocol: Extract<z.infer<typeof schema>> = {
  kind: 'line-protocol',
  schema,
  isAppendable: true,
  time: { column: 'time', unit: 'ns' },
  read: (path, _, from) => lineBlocks(path, from, { reason: 'line', fieldsOf }),
}

function fieldsOf(line: string): Row['fields'] | undefined {
  const text = line.trim()
  if (text === '' || text.startsWith('#')) return undefined
  const { measurement, labels, fields, timestamp } = parsePoint(text)
  const row: Row['fields'] = { time: timestamp }
  for (const [name, value] of labels) setOwn<unknown>(row, name, value)
  for (const [name, value] of fields) setOwn<unknown>(row, `${measurement}.${name}`, value)
  return row
}
