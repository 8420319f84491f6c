export { openEngines } from './open.ts'
export { setUp } from './setup.ts'
