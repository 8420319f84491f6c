export { watchAlarms } from './alarms.ts'
export { observe } from './observe.ts'
export { createRejectedCount } from './rejected.ts'
