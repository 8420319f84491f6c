/**
 * Never killed, and told by those who are: what each outbox committed and freed (over a pipe, after it was durable), which
 * receipts were sent (an MQTT subscription of its own), when each device's line was open to its agent (the agent's log).
 * It only ever adds.
 */

import type { Column, Segment } from '@millrace/contract'
import { nodeMetrics, parseReceipt } from '@millrace/contract'
import { decodePayload, parseTopic } from '@millrace/contract/sparkplug'
import { connect } from 'mqtt'
import { byChannel } from './by-channel.ts'

/** `stream/number`. */
export type Name = string

export interface LineEvent {
  device: string
  atMs: number
  kind: 'open' | 'lost'
  detail: string
}

export interface Ledgers {
  /** By device and channel, in the order of the commits. */
  scalars: Map<string, Map<string, Column>>
  waves: Map<string, Map<string, Segment[]>>
  /** Number of the newest data batch known, by stream. */
  newest: Map<string, number>
  /** Data batches by name: when they became durable, at the latest. */
  committed: Map<Name, number>
  freed: Map<Name, number>
  aside: Name[]
  /** Names receipted, and when the first receipt came by. */
  receipted: Map<Name, number>
  receipts: number
  readings: number
  samples: number
  lines: LineEvent[]
  /** Errors that processes logged. */
  errors: string[]
  /** Keys of notifications that the notifier withheld, and why. */
  withheld: Map<string, string>
}

export function createLedgers(): Ledgers {
  return {
    scalars: new Map(),
    waves: new Map(),
    newest: new Map(),
    committed: new Map(),
    freed: new Map(),
    aside: [],
    receipted: new Map(),
    receipts: 0,
    readings: 0,
    samples: 0,
    lines: [],
    errors: [],
    withheld: new Map(),
  }
}

/** A line from an agent's pipe, see edge-agent/src/observe.ts. */
export function observe(ledgers: Ledgers, text: string): void {
  const line = JSON.parse(text)
  const { k, stream, number, atMs } = line
  if (k === 'opened') for (const [of, held, kind] of line.held) if (kind === 'data') rise(ledgers, of, held)
  if (k === 'freed') for (const [of, freed] of line.entries) ledgers.freed.set(`${of}/${freed}`, atMs)
  if (k === 'aside') for (const [of, aside] of line.entries) ledgers.aside.push(`${of}/${aside}`)
  if (k !== 'data') return
  rise(ledgers, stream, number)
  ledgers.committed.set(`${stream}/${number}`, atMs)
  for (const [channel, { t, v }] of Object.entries(line.channels as Record<string, Column>)) {
    const column = byChannel(ledgers.scalars, line.device, channel, (): Column => ({ t: [], v: [] }))
    for (const at of t) column.t.push(at)
    for (const value of v) column.v.push(value)
    ledgers.readings += t.length
  }
  for (const [channel, segments] of Object.entries(line.waves as Record<string, Segment[]>)) {
    const list = byChannel(ledgers.waves, line.device, channel, (): Segment[] => [])
    for (const segment of segments) {
      list.push(segment)
      ledgers.samples += segment.v.length
    }
  }
}

/** A log line of any process. */
export function hear(ledgers: Ledgers, process: string, text: string): void {
  if (!text.startsWith('{"time"')) return
  const line = JSON.parse(text)
  const atMs = Date.parse(line.time)
  if (line.message === 'device open') ledgers.lines.push({ device: line.device, atMs, kind: 'open', detail: '' })
  if (line.message === 'device lost')
    ledgers.lines.push({ device: line.device, atMs, kind: 'lost', detail: `${line.reason}: ${line.detail}` })
  if (line.message === 'notification withheld') ledgers.withheld.set(line.key, line.why)
  if (line.level === 'error') ledgers.errors.push(`${process}: ${line.message}${line.error ? `: ${line.error}` : ''}`)
}

/** Follows the receipts; those sent while the broker is away are not heard, as by anybody. */
export function watchReceipts(ledgers: Ledgers, to: { port: number; username: string; password: string }): () => Promise<void> {
  const client = connect(`mqtt://127.0.0.1:${to.port}`, { ...to, clientId: 'chaos-watcher', clean: true, reconnectPeriod: 200 })
  client.on('connect', () => client.subscribe('spBv1.0/+/NCMD/+', { qos: 0 }))
  client.on('error', () => {})
  client.on('message', (topic, payload) => {
    if (parseTopic(topic)?.type !== 'NCMD') return
    const value = decodePayload(payload).metrics.find(({ name }) => name === nodeMetrics.receipt)?.value
    const receipt = typeof value === 'string' ? parseReceipt(value) : undefined
    if (!receipt) return
    ledgers.receipts++
    for (const [stream, ranges] of receipt.got)
      for (const [first, last] of ranges)
        for (let number = first; number <= last; number++) {
          const name = `${stream}/${number}`
          if (!ledgers.receipted.has(name)) ledgers.receipted.set(name, Date.now())
        }
  })
  return () => client.endAsync(true)
}

function rise({ newest }: Ledgers, stream: string, number: number): void {
  newest.set(stream, Math.max(number, newest.get(stream) ?? 0))
}
