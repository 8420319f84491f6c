/** From `raw` to the timeline and the rejected messages. */
import { plainDevices } from '../config.ts'
import type { Role } from '../members/index.ts'
import { runStage } from '../stage/index.ts'
import type { Needs } from './context.ts'

export function prepareRole(context: Needs<'config' | 'parts'>): Role {
  const { config, parts, log } = context
  const { partitions } = log
  return {
    name: 'prepare',
    partitions,
    start: (partition) => {
      const stage = parts.createPrepareStage({ ...config.prepare, plain: plainDevices(config) }, partitions)
      return runStage(stage, partition, config.runner, context)
    },
  }
}
