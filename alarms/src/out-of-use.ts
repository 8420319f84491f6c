/** Devices that the registry says are decommissioned: their silence raises nothing. What they send is judged as ever. */
import { type Control, type Registry, takeChanges } from '@millrace/contract'
import { clear } from './change.ts'
import type { DeviceState } from './engine.ts'
import type { Plan, SeriesPlan } from './plan.ts'

export function takeRegistry(plan: Plan, control: Extract<Control, { type: 'registry' }>, atMs: number): void {
  for (const change of control.changes) {
    const known = change.property === 'decommissioned' ? plan.devices.get(change.device) : undefined
    if (!known) continue
    const { state } = known
    const registry: Registry = new Map([[change.device, { decommissioned: state.outOfUse ?? [] }]])
    takeChanges(registry, { ...control, changes: [change] })
    state.outOfUse = registry.get(change.device)!.decommissioned!
    if (isOutOfUse(state)) for (const series of known.series.values()) endSilences(plan, series, atMs)
  }
}

/** Nothing is ordered ahead of its time, so that the last span says how it is now. */
export function isOutOfUse({ outOfUse }: DeviceState): boolean {
  return outOfUse?.at(-1)?.value !== undefined
}

function endSilences(plan: Plan, { live }: SeriesPlan, atMs: number): void {
  for (const slot of live.silences)
    if (slot.progress?.alarm) clear(plan, slot, { atMs, evidenceMs: atMs, note: 'the device is decommissioned' })
}
