/** What the rules counted without raising an alarm of it. The counts are part of the stage's state: here they are only read. */
import type { EngineState } from '@millrace/alarms'
import type { Metrics } from '@millrace/platform'
import type { Stage } from '../stage/index.ts'

export interface AlarmWatch {
  /** The same stage, whose state is read when the metrics are requested. */
  of(stage: Stage<EngineState>, partition: number): Stage<EngineState>
}

/** @param held partitions that this process works on now: the other partitions are reported by the processes that hold them. */
export function watchAlarms(metrics: Metrics, held: () => number[]): AlarmWatch {
  const states = new Map<number, EngineState>()
  metrics.gauge('millrace_alarms_open', 'Alarms that are active', () => sum(countActive))
  metrics.gauge(
    'millrace_rules_unjudged',
    'What the rules took and could not use as live data, since the log began, by why',
    () => kinds.map((why) => ({ labels: { why }, value: sum(({ counts }) => counts[why] ?? 0) })),
  )
  return {
    of(stage, partition) {
      const keep = (state: EngineState) => {
        states.set(partition, state)
        return state
      }
      return { ...stage, initial: (p) => keep(stage.initial(p)), decode: (bytes) => keep(stage.decode(bytes)) }
    },
  }

  function sum(of: (state: EngineState) => number): number {
    return held().reduce((total, partition) => total + (states.has(partition) ? of(states.get(partition)!) : 0), 0)
  }
}

const kinds = [
  'refusedOrders',
  'late',
  'disordered',
  'ahead',
  'bad',
  'refused',
  'unknownAcknowledged',
  'badRules',
  'forgotten',
] as const

function countActive({ devices, full, clocks }: EngineState): number {
  let active = (full ? 1 : 0) + clocks.filter(({ gap }) => gap?.active).length
  for (const { series } of devices)
    for (const { live } of series) for (const { alarm } of live.progress) if (alarm?.active) active++
  return active
}
