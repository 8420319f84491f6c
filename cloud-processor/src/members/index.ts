export { type Assignments, keepAssignments, type Role, type Run } from './assignments.ts'
export { joinMembers, type Members } from './members.ts'
export { ownerOf } from './owners.ts'
