/**
 * The columns of an archived file. A row is a reading, or a segment of a waveform; rows are sorted by device, channel, time and
 * position. A column keeps its name and its field id in every version; a new one gets the next id.
 */
import type { Encoding, SchemaElement } from 'hyparquet'

interface Column {
  name: string
  element: Omit<SchemaElement, 'name' | 'repetition_type' | 'field_id'>
  isRequired?: true
  encoding?: Encoding
}

const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const
const real = { type: 'DOUBLE' } as const
const whole = { type: 'INT64' } as const
/** Microseconds: the only unit that Iceberg has, and waveforms begin between two milliseconds. */
const instant = {
  type: 'INT64',
  converted_type: 'TIMESTAMP_MICROS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
} as const
const rising = 'DELTA_BINARY_PACKED'

export const columns = [
  { name: 'device', element: text, isRequired: true },
  { name: 'channel', element: text, isRequired: true },
  /** Of the first sample of a segment. */
  { name: 'time', element: instant, isRequired: true, encoding: rising },
  /** Of a number, in `unit`. */
  { name: 'value', element: real },
  /** The device's own number, where `scale` or `offset` is not that of `value`: value = raw × scale + offset. */
  { name: 'raw', element: real },
  { name: 'text', element: text },
  { name: 'flag', element: { type: 'BOOLEAN' } },
  /** The device's own numbers: sample × scale + offset is in `unit`; sample k was taken at time + k × interval_ms. */
  { name: 'samples', element: { converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 } },
  { name: 'interval_ms', element: real },
  { name: 'quality', element: text, isRequired: true },
  /** UCUM; null: the device had declared nothing, and `value` is as the device gave it. */
  { name: 'unit', element: text },
  /** Null: 1. */
  { name: 'scale', element: real },
  /** Null: 0. */
  { name: 'offset', element: real },
  { name: 'subject', element: text, isRequired: true },
  { name: 'historical', element: { type: 'BOOLEAN' }, isRequired: true },
  { name: 'received', element: instant, isRequired: true },
  { name: 'stream', element: text },
  { name: 'number', element: whole },
  /** Where the record stands that it came in: id of the log, and offset in the partition of `millrace.timeline`. */
  { name: 'log', element: text, isRequired: true },
  { name: 'position', element: whole, isRequired: true },
] as const satisfies Column[]

export type ColumnName = (typeof columns)[number]['name']
/** Rows as columns; times and whole numbers are bigint. */
export type Rows = Record<ColumnName, unknown[]>

export const encodingOf = (name: ColumnName): Encoding | undefined =>
  (columns.find((column) => column.name === name) as Column).encoding

export function emptyRows(): Rows {
  return Object.fromEntries(columns.map(({ name }) => [name, []])) as unknown as Rows
}

/** That of the elements of `samples` comes behind those of the columns. */
const samplesElementId = 100

export const schema: SchemaElement[] = [
  { name: 'reading', num_children: columns.length },
  ...columns.flatMap((column: Column, k): SchemaElement[] => {
    const { name, element, isRequired } = column
    const own: SchemaElement = { name, ...element, repetition_type: isRequired ? 'REQUIRED' : 'OPTIONAL', field_id: k + 1 }
    if (name !== 'samples') return [own]
    return [
      own,
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', type: 'DOUBLE', repetition_type: 'REQUIRED', field_id: samplesElementId },
    ]
  }),
]
