/** Waits until the ledger has a cut past all that was stored when it was asked first: what is above the cuts is in flight. */

import type { LedgerView } from '@millrace/cloud-processor/web'
import type { Tally } from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import type { Api } from '../api.ts'

/** More rows or records than live data alone keeps on the way. */
const freshMax = 500
const everyMs = 300

/** @returns why it has not settled, in a sentence each. */
export async function waitForCuts(api: Api, devices: string[], untilMs: number): Promise<string[]> {
  const first = await api.ledger()
  for (let view = first; ; view = await api.ledger()) {
    const open = whyOpen(first, view, devices)
    if (open.length === 0 || Date.now() >= untilMs) return open
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

function whyOpen(first: LedgerView, now: LedgerView, devices: string[]): string[] {
  const { outboxRows, logRecords } = now.inFlight
  const open: string[] = now.balanced ? [] : ['the ledger does not balance']
  if (outboxRows >= freshMax) open.push(`${outboxRows} rows wait in outboxes`)
  if (logRecords >= freshMax) open.push(`${logRecords} records wait in the log`)
  for (const device of devices) {
    const missing = sumOf(ownValue(first.stored, device)) - sumOf(now.devices.find((one) => one.device === device))
    if (missing > 0) open.push(`${device}: the latest cut of the ledger is ${missing} readings and samples behind the store`)
  }
  return open
}

type Counted = Record<'stored' | 'collapsed' | 'expired', Tally>

function sumOf(counted: Counted | undefined): number {
  if (!counted) return 0
  const { stored, collapsed, expired } = counted
  return [stored, collapsed, expired].reduce((sum, [readings, samples]) => sum + readings + samples, 0)
}
