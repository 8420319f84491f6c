/** From `raw` to the timeline and the rejected messages. */
import type { Role } from '../members/index.ts'
import { runStage } from '../stage/index.ts'
import type { Needs } from './context.ts'

export function prepareRole(context: Needs<'config' | 'parts'>): Role {
  const { config, parts, log } = context
  const { partitions } = log
  return {
    name: 'prepare',
    partitions,
    start: (partition) => runStage(parts.createPrepareStage(config.prepare, partitions), partition, config.runner, context),
  }
}
