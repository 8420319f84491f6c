/** Every engine and tool: one line each. */
import { kafka } from './kafka/kafka.ts'
import { mosquitto } from './mosquitto/mosquitto.ts'
import { victoriaMetrics } from './victoria-metrics/victoria-metrics.ts'

export type { Engine, Found, ProgramTool, RunningEngine, StartOptions, Tool } from './engine.ts'
export { isMissing, obtain } from './obtain.ts'

export const engines = {
  kafka,
  'victoria-metrics': victoriaMetrics,
  mosquitto,
}
