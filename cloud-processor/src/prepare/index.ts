export { type PrepareConfig, prepareSchema } from './config.ts'
export { createPrepareStage } from './prepare.ts'
export type { PrepareState } from './state/state.ts'
