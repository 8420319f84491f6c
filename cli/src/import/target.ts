/** Where an import writes: the outbox of its edge node, or nothing in a dry run. */
import type { Channel } from '@millrace/contract'
import type { Drained } from '@millrace/edge-agent/outbox'
import type { Watermark } from './watermark.ts'

export interface Target {
  watermark(key: string): Watermark | undefined
  /** @throws MillraceError IMPORT_CHANNEL */
  declare(device: string, channels: Channel[]): Promise<void>
  /** All of it, or nothing. Resolves when it is durable. */
  commit(drained: Drained[], key: string, watermark: Watermark): Promise<void>
}
