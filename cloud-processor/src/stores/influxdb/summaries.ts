/** Devices, gaps, events, ledger and totals as lines: what any other process reads back from the engine. */
import type { Tally } from '@millrace/contract'
import type { AccountState, DeviceState, Summaries } from '../accounting/index.ts'
import type { LedgerRow } from '../store.ts'
import type { Traits } from './dialects/dialect.ts'
import { isTag, lineOf } from './line.ts'
import { channel, correction, device, event, gap, ledger, type Measurement, revisionTag, total } from './schema.ts'

export type SummaryLines = ReturnType<typeof createSummaryLines>

export function createSummaryLines(traits: Traits, from: { log: string; partition: number }) {
  const line = (measurement: Measurement, us: number, values: Record<string, string | number>): string[] =>
    measurement.tags.every((tag) => isTag(`${values[tag]}`)) ? [lineOf(measurement, { us, values }, traits)] : []

  function deviceLines(name: string, { subject, node, channels }: DeviceState, versionMs: number): string[] {
    const us = versionMs * 1000
    const declared = channels.flatMap((one, position) => {
      const { unit, kind } = one
      return line(channel, us, { device: name, channel: one.name, unit, kind, declaration: JSON.stringify(one), position })
    })
    return [...line(device, us, { device: name, subject, node, channels: channels.length }), ...declared]
  }

  return {
    all({ devices, gaps, corrections, events, ledger: cuts }: Summaries, state: AccountState): string[] {
      return [
        ...[...devices].flatMap(([name, versionMs]) => deviceLines(name, state.devices.get(name)!, versionMs)),
        ...gaps.flatMap(({ device, gap: { channel, reason, fromMs, toMs, lost, revision } }) => {
          const told: Record<string, number> = lost ? { lost_readings: lost[0], lost_samples: lost[1] } : {}
          const values = { device, channel, reason, to_ms: toMs ?? 0, ...told, [revisionTag]: revision }
          return line(gap, fromMs * 1000, values)
        }),
        ...corrections.flatMap(({ device, fromMs, toMs, byMs, uncertaintyMs }) =>
          line(correction, fromMs * 1000, { device, to_ms: toMs, by_ms: byMs, uncertainty_ms: uncertaintyMs }),
        ),
        // Two lines of one millisecond must not take each other's place.
        ...events.flatMap(({ offset, device, atMs, level, code, text }) =>
          line(event, atMs * 1000 + (offset % 1000), { device: device || nobody, level, code, text, offset }),
        ),
        ...cuts.flatMap(({ row, atMs, versionMs }) => line(ledger, versionMs * 1000, ledgerValues(row, atMs))),
      ]
    },
    total(name: string, { total: counts }: DeviceState, versionMs: number): string {
      const { firstMs, lastMs, stored, collapsed, rejected } = counts
      const values = {
        ...{ device: name, log: from.log, partition: `${from.partition}` },
        ...tallies({ stored, collapsed, rejected }),
        ...{ first_ms: Math.floor(firstMs), last_ms: Math.floor(lastMs) },
      }
      return line(total, versionMs * 1000, values)[0] ?? ''
    },
  }
}

/** Device of an event that belongs to none: a tag cannot be empty. */
export const nobody = '-'

function tallies(counts: Record<string, Tally>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).flatMap(([name, tally]) => [
      [`${name}_readings`, tally[0]],
      [`${name}_samples`, tally[1]],
    ]),
  )
}

function ledgerValues({ node, device, stream, through, closed, counts, stored, collapsed, difference }: LedgerRow, atMs: number) {
  const { edge, evicted, rejected, forwarded, ahead } = counts
  return {
    ...{ node: node || nobody, device, stream, at_ms: atMs, through, closed: closed ? 1 : 0 },
    ...{ frames_good: edge.frames[0], frames_bad: edge.frames[1] },
    ...tallies({ read: edge.read, filtered: edge.filtered, edge_rejected: edge.rejected, edge_evicted: edge.evicted }),
    ...tallies({ evicted, rejected, forwarded, ahead, stored, collapsed, difference }),
  }
}

export function ledgerRow(values: Record<string, string | number | boolean>): LedgerRow {
  const number = (name: string) => Number(values[name] ?? 0)
  const tally = (name: string): Tally => [number(`${name}_readings`), number(`${name}_samples`)]
  const text = (name: string) => (values[name] === nobody ? '' : `${values[name]}`)
  return {
    ...{ node: text('node'), device: text('device'), stream: text('stream') },
    ...{ through: number('through'), closed: number('closed') === 1 },
    counts: {
      edge: {
        ...{ read: tally('read'), filtered: tally('filtered'), rejected: tally('edge_rejected') },
        ...{ evicted: tally('edge_evicted'), frames: [number('frames_good'), number('frames_bad')] },
      },
      ...{ evicted: tally('evicted'), rejected: tally('rejected'), forwarded: tally('forwarded'), ahead: tally('ahead') },
    },
    ...{ stored: tally('stored'), collapsed: tally('collapsed'), expired: [0, 0], difference: tally('difference') },
  }
}
