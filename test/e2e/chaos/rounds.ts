/** Storm after storm, each followed by its quiet window, which begins when every process is ready again. */
import { loadavg } from 'node:os'
import { until } from '../../support/until.ts'
import type { Busy } from './busy.ts'
import { catchingUpMs } from './catching-up.ts'
import { awaitAlarms, needCopy } from './copies-due.ts'
import type { Faults } from './faults.ts'
import type { Installation } from './installation.ts'
import type { Ledgers } from './observer.ts'
import { awaitClosing, outboxOf, type Window } from './quiet.ts'
import { makeUpFor, quietMs, type Round } from './schedule.ts'

export interface Context {
  installation: Installation
  ledgers: Ledgers
  faults: Faults
  /** Of the distributed installation. */
  busy?: Busy | undefined
  say(text: string): void
}

export interface QuietWindow extends Window {
  /** Load average of the machine, which others may share. */
  load: number
}

/** Two oximeters show this at the beginning of each storm and of each quiet window: alarms that are due. */
const desaturation = { toPercent: 78, durationS: 8 }

export async function runRounds(
  schedule: Round[],
  { installation, ledgers, faults, busy, say }: Context,
): Promise<QuietWindow[]> {
  const windows: QuietWindow[] = []
  const { victims, simulator, devices } = installation
  const oximeters = devices.filter(({ kind }) => kind === 'contec-cms50')
  for (const [index, { faults: storm, stormMs }] of schedule.entries()) {
    const startedMs = performance.now()
    const at = (ms: number) =>
      new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, ms - (performance.now() - startedMs))))
    desaturate(index)
    await Promise.all(storm.map((fault) => at(fault.atMs).then(() => faults.carryOut(fault))))
    await at(stormMs)
    if (index === schedule.length - 1)
      for (const fault of makeUpFor(faults.kinds, new Set(faults.strikes.map(({ kind }) => kind)))) await faults.carryOut(fault)
    if (index === schedule.length - 1) await needCopy(installation, faults)
    await until('every process is ready', () => victims.every((each) => each.isUp()), { withinMs: 60_000 })
    const quietSinceMs = performance.now()
    desaturate(index + schedule.length)
    const withinMs = (quietMs + catchingUpMs(faults.strikes, Date.now())) * (busy?.at(Date.now()) ?? 1)
    const window = { ...(await awaitClosing(installation, ledgers, withinMs)), load: loadavg()[0]! }
    windows.push(window)
    const struck = `${faults.strikes.length} faults struck so far`
    say(
      `round ${index + 1} of ${schedule.length}: ${window.open ? `NOT closed in ${Math.round(withinMs / 1000)} s: ${window.open}` : `closed after ${(window.closedMs! / 1000).toFixed(1)} s`}; ${struck}, load ${window.load.toFixed(1)}`,
    )
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, quietMs - (performance.now() - quietSinceMs))))
  }
  return windows

  function desaturate(turn: number): void {
    for (const k of [0, 1]) {
      const { device } = oximeters[(2 * turn + k) % oximeters.length]!
      simulator.tell(JSON.stringify({ cmd: 'desaturate', device, ...desaturation }))
    }
  }
}

/** The devices are switched off, the last reading finds its way, and the outboxes run empty. */
export async function endQuietly(installation: Installation, ledgers: Ledgers, busy?: Busy): Promise<Window> {
  await installation.simulator.stop()
  const window = await awaitClosing(installation, ledgers, 30_000 * (busy?.at(Date.now()) ?? 1))
  const isEmpty = async () => {
    const all = await Promise.all(installation.agents.map(outboxOf))
    return all.every(({ entries }) => entries === 0)
  }
  await until('the outboxes are empty', isEmpty, { withinMs: 30_000 }).catch(() => undefined)
  await awaitAlarms(installation)
  return window
}
