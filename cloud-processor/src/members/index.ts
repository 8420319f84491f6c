export { joinMembers, type Members } from './members.ts'
export { ownerOf } from './owners.ts'
export { keepShares, type Role, type Run, type Shares } from './shares.ts'
