/** From the timeline to alarms. */
import type { Role } from '../members/index.ts'
import { watchAlarms } from '../observe/index.ts'
import { type Progress, runStage } from '../stage/index.ts'
import type { Needs } from './context.ts'

/** @param progress of what this process works on now: what was handed over is another one's to tell */
export function rulesRole(context: Needs<'config' | 'parts'>, progress: () => Progress[]): Role {
  const { config, parts, log, metrics } = context
  const alarms = watchAlarms(metrics, () => progress().flatMap(({ name, partition }) => (name === 'rules' ? [partition] : [])))
  return {
    name: 'rules',
    partitions: log.partitions,
    start: (partition) => runStage(alarms.of(parts.createRulesStage(config.rules), partition), partition, config.runner, context),
  }
}
