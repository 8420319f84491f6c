/** What a run has to wait for, so that its dead sensors show something: a copy of one of them, and the alarm of each. */
import { until } from '../../support/until.ts'
import { hasCopy } from './checks/copies.ts'
import { openLogView } from './checks/log.ts'
import { deadSensors } from './dead-sensors.ts'
import type { Faults } from './faults.ts'
import type { Installation } from './installation.ts'

const copyWithinMs = 5000

/** Without a copy the run shows nothing of them: then the processors are killed one after the other, until one came. */
export async function needCopy(installation: Installation, faults: Faults): Promise<void> {
  const log = await openLogView(installation)
  const isThere = () => hasCopy(log, deadSensors)
  for (let target = 0; target < installation.processors.length && !(await isThere()); target++) {
    await faults.carryOut({ kind: 'kill -9 processor', atMs: 0, lastsMs: 200, patienceMs: 20_000, target })
    await until('a copy came', isThere, { withinMs: copyWithinMs, everyMs: 500 }).catch(() => {})
  }
  await log.close()
}

/** That nothing is heard of a device must last for a while before it is an alarm. */
export async function awaitAlarms({ api }: Pick<Installation, 'api'>): Promise<void> {
  const haveAll = async () => {
    const alarms = (await api.alarms()).filter(({ rule, active }) => active && rule === deadSensors.rule)
    const silent = new Set(alarms.map((alarm) => alarm.device))
    return (await api.fleet()).every(({ device, channels }) => channels[0]?.name !== deadSensors.channel || silent.has(device))
  }
  await until('every dead sensor has its alarm', haveAll, { withinMs: 30_000 }).catch(() => {})
}
