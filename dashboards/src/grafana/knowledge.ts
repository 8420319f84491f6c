/** Expressions over the store that several dashboards share: devices, channels and the state of the ledger. */
import { channel, device, gap, ledger, total } from '@millrace/cloud-processor/stores/influxdb-schema'
import { type Label, type NumberField, stored, type Where } from './names.ts'

/** Devices and channels are written when they change, so their newest row may be old. */
export const ever = '10y'

/** One series for each device, with its newest subject and node. `tlast_over_time` is VictoriaMetrics' own. */
export const devices = (where: Where<typeof device> = {}): string =>
  `topk by (device) (1, tlast_over_time(${stored(device, 'channels', where)}[${ever}]))`

export const channels = (where: Where<typeof channel> = {}): string =>
  `topk by (device, channel) (1, tlast_over_time(${stored(channel, 'position', where)}[${ever}]))`

/** Seconds since the newest reading that is stored of each device. */
export const silentFor = (where: Where<typeof total> = {}): string =>
  `time() - max by (device) (last_over_time(${stored(total, 'last_ms', where)}[${ever}])) / 1000`

/** 1 while a channel has no data, for each channel and reason. A gap without an end has 0 for its end. */
export function absent(where: Where<typeof gap>): string {
  const end = `max by (channel, reason) (last_over_time(${stored(gap, 'to_ms', where)}[$__range]))`
  return `(${end} == bool 0) + (${end} > bool time() * 1000)`
}

type LedgerField = NumberField<typeof ledger>

/** The newest cut of each stream, summed. `of` are fields of the ledger without `_readings` and `_samples`: `$what` says which. */
export function atCut(of: LedgerAmount[], by: Label<typeof ledger>[], where: Where<typeof ledger> = {}): string {
  return of.map((amount) => `sum by (${by.join(', ')}) (${newestCut(amount, where)})`).join(' + ')
}

/** What nothing explains. One stream off by +1 and another off by -1 are two faults, not none. */
export function offBalance(by: Label<typeof ledger>[], where: Where<typeof ledger> = {}): string {
  return `sum by (${by.join(', ')}) (abs(${newestCut('difference', where)}))`
}

function newestCut(amount: LedgerAmount, where: Where<typeof ledger>): string {
  // The variable is the end of either of two fields.
  const name = `${amount}_$what` as unknown as LedgerField
  return `last_over_time(${stored(ledger, name, where)}[$__range])`
}

type Of<F, End extends string> = F extends `${infer Amount}_${End}` ? Amount : never
/** What the ledger counts both in readings and in samples. */
export type LedgerAmount = Of<LedgerField, 'readings'> & Of<LedgerField, 'samples'>
