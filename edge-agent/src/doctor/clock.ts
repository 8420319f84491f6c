/** Whether the clock can be right, and whether something keeps it so. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type Finding, ok, warning, wrong } from './finding.ts'

/** No reading is older than this program. */
const writtenMs = Date.UTC(2026, 10, 1)
const offMsMax = 1000
const ntp = 'Switch NTP on: timedatectl set-ntp true. Without a network, install a clock with a battery.'

export async function checkClock(nowMs: number): Promise<Finding> {
  const says = new Date(nowMs).toISOString()
  if (nowMs < writtenMs) return wrong('clock', `it is ${says}: the clock was not set after a start`, ntp)
  const isKept = await isSynchronised()
  if (isKept) return ok('clock', `it is ${says}, and NTP keeps it`)
  const why = isKept === false ? 'NTP does not keep it' : 'nothing here says whether NTP keeps it'
  return warning('clock', `it is ${says}; ${why}`, ntp)
}

/** By the processor's own times in its receipts. */
export function checkOffset(offsetMs: number | undefined): Finding[] {
  if (offsetMs === undefined) return []
  const says = `the processor's clock is ${Math.abs(Math.round(offsetMs))} ms ${offsetMs < 0 ? 'behind' : 'ahead of'} this one`
  return [Math.abs(offsetMs) <= offMsMax ? ok('clock', says) : wrong('clock', says, `One of the two is wrong. ${ntp}`)]
}

/** Undefined where nobody knows. */
async function isSynchronised(): Promise<boolean | undefined> {
  if (existsSync('/run/systemd/timesync/synchronized')) return true
  const said = await new Promise<string>((resolve) => {
    execFile('timedatectl', ['show', '--property=NTPSynchronized', '--value'], { timeout: 3000 }, (error, out) =>
      resolve(error ? '' : out.trim()),
    )
  })
  return said === '' ? undefined : said === 'yes'
}
