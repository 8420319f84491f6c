/** What the agent runs. It is passed in, as its engines are, so that a test can start the same agent with one part wrapped. */
import { openOutbox } from './outbox/index.ts'
import { createUplink } from './uplink/index.ts'

export const parts = { openOutbox, createUplink }

export type Parts = typeof parts
