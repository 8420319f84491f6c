export { type Account, mayAct, type Role, roles } from './account.ts'
export type { AuditEntry, AuditRow } from './audit.ts'
export { type Actor, People } from './people.ts'
export { type NodeOf, Scope } from './scope.ts'

/** In the processor's data folder. */
export const peopleFile = 'people.sqlite'
