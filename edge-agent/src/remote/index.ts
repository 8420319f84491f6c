export { loadAgentConfig } from './document.ts'
export { effectiveText } from './in-force.ts'
export type { Life } from './life.ts'
export { Remote } from './remote.ts'
