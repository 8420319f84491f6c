import { log } from './log.ts'
import { outbox } from './outbox.ts'
import { sessions } from './sessions.ts'
import { store } from './store.ts'
import type { Subject } from './subject.ts'

export const subjects: Record<string, Subject> = { outbox, log, store, sessions }
