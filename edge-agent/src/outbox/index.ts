export type { Batch, Content } from './content.ts'
export type { Entry } from './entry.ts'
export { MemoryBytes } from './memory-bytes.ts'
export { type MemoryStorage, memoryStorage } from './memory-storage.ts'
export { type OutboxOptions, outboxSchema } from './options.ts'
export { type Decided, type Outbox, type OutboxContext, type OutboxStatus, openOutbox } from './outbox.ts'
export type { Drained } from './prepare.ts'
export type { Lane } from './shelf.ts'
export { sqliteStorage } from './sqlite-storage.ts'
export {
  type Committed,
  emptyTransaction,
  idsBetween,
  type Loaded,
  listRowsMax,
  type OutboxStorage,
  type OutboxTransaction,
} from './storage.ts'
