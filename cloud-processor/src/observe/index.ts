export { watchAlarms } from './alarms.ts'
export { observe } from './observe.ts'
