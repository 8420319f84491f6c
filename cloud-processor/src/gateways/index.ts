export { Gateways } from './gateways.ts'
export { chosen, inGroups } from './groups.ts'
export type { Known, Rollout, Step } from './rollout.ts'

/** In the processor's data folder. */
export const gatewaysFile = 'gateways.sqlite'
