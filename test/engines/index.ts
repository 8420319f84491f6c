export type { Engine, Found, ProgramTool, RunningEngine, StartOptions, Tool } from './engine.ts'
export { engines, tools } from './engines.ts'
export { mosquittoProgram } from './mosquitto/mosquitto.ts'
export { isMissing, obtain } from './obtain.ts'
