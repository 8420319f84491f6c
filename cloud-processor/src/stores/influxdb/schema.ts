/**
 * Every measurement, tag and field that Millrace writes into a time-series engine; dashboards and readers take the names from
 * here, and nothing else names them. `README.md` shows how each engine spells them:
 *
 *     InfluxDB            measurement `reading`, tags, fields
 *     QuestDB             table `reading`, a column for each tag and field, designated timestamp `time`
 *     VictoriaMetrics     metric `reading_value`: measurement, underscore, field; texts become labels
 *
 * The subject and the unit of a reading are not tags of it: a reading's identity is (device, channel, time), and a device that
 * moves to another subject must not become another series. They are in `millrace_device` and `millrace_channel`.
 */
export type FieldKind = 'float' | 'integer' | 'text' | 'boolean'

export interface Measurement {
  readonly name: string
  /** With the time they are a row's identity. */
  readonly tags: readonly string[]
  readonly fields: Readonly<Record<string, FieldKind>>
}

/** One reading of a number, text or boolean channel, at its own time. */
export const reading = {
  name: 'reading',
  tags: ['channel', 'device'],
  fields: {
    /** The physical value, in the channel's unit: raw * scale + offset. */
    value: 'float',
    text: 'text',
    flag: 'boolean',
    /** 1 uncertain, 2 bad; absent or 0 is good. */
    quality: 'integer',
    /** What the device gave, where it cannot be worked out from `value` exactly. */
    raw: 'float',
  },
} as const satisfies Measurement

/** One waveform sample. */
export const wave = {
  name: 'wave',
  tags: ['channel', 'device'],
  fields: { value: 'float', raw: 'float' },
} as const satisfies Measurement

/**
 * Start of a stretch of evenly spaced samples, so that it can be given back as it came. The interval, which few channels ever
 * change, is a tag: as text it keeps all its digits in every engine. The start is the row's time plus `shift_ms`.
 */
export const waveSegment = {
  name: 'wave_segment',
  tags: ['channel', 'device', 'interval_ms', 'samples'],
  fields: { shift_ms: 'float' },
} as const satisfies Measurement

/** Written again when it changes; its time is that of the change. */
export const device = {
  name: 'millrace_device',
  tags: ['device'],
  fields: { subject: 'text', node: 'text', channels: 'integer' },
} as const satisfies Measurement

/** A channel of the device's newest declaration has the time of the device's row. */
export const channel = {
  name: 'millrace_channel',
  tags: ['channel', 'device'],
  fields: { unit: 'text', kind: 'text', declaration: 'text', position: 'integer' },
} as const satisfies Measurement

/** Data that is not there; its time is the gap's start. Channel `*` is every channel; `to_ms` is 0 while it lasts. */
export const gap = {
  name: 'millrace_gap',
  tags: ['channel', 'device', 'reason'],
  fields: { to_ms: 'integer', lost_readings: 'integer', lost_samples: 'integer' },
} as const satisfies Measurement

/** Readings of one record whose times were corrected; its time is that of the first, `to_ms` that of the last. */
export const correction = {
  name: 'millrace_correction',
  tags: ['device'],
  fields: { to_ms: 'integer', by_ms: 'integer', uncertainty_ms: 'float' },
} as const satisfies Measurement

/** A line for people. */
export const event = {
  name: 'millrace_event',
  tags: ['code', 'device', 'level'],
  fields: { text: 'text', offset: 'integer' },
} as const satisfies Measurement

/** What one processor's partition has written of a device; a reader adds them up. Rejected: refused by the engine. */
export const total = {
  name: 'millrace_total',
  tags: ['device', 'log', 'partition'],
  fields: {
    stored_readings: 'integer',
    stored_samples: 'integer',
    collapsed_readings: 'integer',
    collapsed_samples: 'integer',
    rejected_readings: 'integer',
    rejected_samples: 'integer',
    first_ms: 'integer',
    last_ms: 'integer',
  },
} as const satisfies Measurement

/** The ledger of one device and stream at a cut; the newest row is the latest cut. `difference` is zero when it closes. */
export const ledger = {
  name: 'millrace_ledger',
  tags: ['device', 'node', 'stream'],
  fields: {
    at_ms: 'integer',
    through: 'integer',
    closed: 'integer',
    frames_good: 'integer',
    frames_bad: 'integer',
    read_readings: 'integer',
    read_samples: 'integer',
    filtered_readings: 'integer',
    filtered_samples: 'integer',
    edge_rejected_readings: 'integer',
    edge_rejected_samples: 'integer',
    edge_evicted_readings: 'integer',
    edge_evicted_samples: 'integer',
    evicted_readings: 'integer',
    evicted_samples: 'integer',
    rejected_readings: 'integer',
    rejected_samples: 'integer',
    forwarded_readings: 'integer',
    forwarded_samples: 'integer',
    ahead_readings: 'integer',
    ahead_samples: 'integer',
    stored_readings: 'integer',
    stored_samples: 'integer',
    collapsed_readings: 'integer',
    collapsed_samples: 'integer',
    difference_readings: 'integer',
    difference_samples: 'integer',
  },
} as const satisfies Measurement

export const measurements = { reading, wave, waveSegment, device, channel, gap, correction, event, total, ledger } as const

/**
 * Label of VictoriaMetrics alone, which cannot replace a point: the n-th rewriting of a reading is written beside it under
 * `rev` n, and the highest counts. Absent where nothing was ever rewritten.
 */
export const revisionTag = 'rev'
