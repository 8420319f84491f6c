/** Of a gateway whose certificate the agent keeps itself: how long it is still good, and what keeps it from being renewed. */
import { existsSync } from 'node:fs'
import type { AgentConfig } from '../config.ts'
import { Slots } from '../credential/index.ts'
import { type Finding, ok, warning, wrong } from './finding.ts'

const dayMs = 86_400_000

export function checkCredential({ dataDir, uplink }: AgentConfig, nowMs: number): Finding[] {
  if (!uplink.enrolment) return []
  const slots = new Slots(dataDir)
  const current = slots.read('current')
  const enrol = 'Enrol with a new token: millrace-agent enrol --broker <token>.'
  if (!current) {
    const says = existsSync(slots.current) ? 'cannot be read' : 'is missing'
    return [wrong('certificate', `the certificate of this gateway ${says}: ${slots.current}`, enrol)]
  }
  const { validFromDate, validToDate } = current.certificate
  const leftMs = validToDate.getTime() - nowMs
  const lifeMs = validToDate.getTime() - validFromDate.getTime()
  const days = Math.floor(leftMs / dayMs)
  const remedy = `The agent renews it at ${uplink.enrolment.url}: look in its log for why not.`
  if (leftMs < 0) return [warning('certificate', `the certificate of this gateway ended ${-days} days ago`, remedy)]
  // Renewal has been due for a ninth of its life.
  if (leftMs < (2 / 9) * lifeMs) return [warning('certificate', `the certificate of this gateway ends in ${days} days`, remedy)]
  return [ok('certificate', `the certificate of this gateway is good for ${days} more days`)]
}
