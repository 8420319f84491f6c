/**
 * The import as an edge node: an outbox and an uplink, as of an agent, whose readings come from files. The outbox holds the
 * watermarks of the files in the same transactions. Nothing here is live: every batch is sent as backlog.
 */
import { join } from 'node:path'
import type { Channel } from '@millrace/contract'
import { type Drained, type Outbox, openOutbox, outboxSchema, sqliteStorage } from '@millrace/edge-agent/outbox'
import { connectMqtt, createUplink, type Uplink, type UplinkOptions } from '@millrace/edge-agent/uplink'
import { type Clock, type Log, type Metrics, MillraceError, openDataFolder } from '@millrace/platform'
import type { Watermark } from './watermark.ts'

export interface NodeOptions {
  group: string
  node: string
  host: string
  dataDir: string
  outboxBytesMax: number
  uplink: UplinkOptions
}

export interface NodeContext {
  clock: Clock
  log: Log
  metrics: Metrics
}

const lookEveryMs = 20
/** Above the pace of ledger records, so that the last of them counts all. */
const ledgerMs = 1500

/** @throws MillraceError AGENT_OUTBOX_LOCKED and others of the outbox */
export async function openImportNode(options: NodeOptions, context: NodeContext): Promise<ImportNode> {
  const { dataDir, outboxBytesMax: bytesMax } = options
  openDataFolder(dataDir, context.log)
  // One block is taken by the disk whole, or waits whole; nothing is evicted for another.
  const bounds = outboxSchema.parse({ bytesMax, memoryBytesMax: bytesMax, policy: 'newest', liveMs: 0 })
  const outbox = await openOutbox(sqliteStorage(join(dataDir, 'outbox.sqlite')), bounds, context)
  return new ImportNode(options, outbox, context)
}

export class ImportNode {
  readonly #outbox: Outbox
  readonly #uplink: Uplink
  readonly #clock: Clock
  readonly #declared = new Map<string, Map<string, Channel>>()
  #committedMs: number

  constructor(options: NodeOptions, outbox: Outbox, context: NodeContext) {
    const { group, node, host, uplink } = options
    this.#outbox = outbox
    this.#clock = context.clock
    this.#committedMs = context.clock.monotonic()
    const transport = connectMqtt(uplink, context)
    const sending = { ...uplink, backlogShare: 1 }
    this.#uplink = createUplink({ ...context, outbox, transport, node: { group, node }, host, devices: [], options: sending })
    this.#uplink.start()
  }

  watermark(key: string): Watermark | undefined {
    const text = this.#outbox.kept.get(key)
    return text === undefined ? undefined : JSON.parse(text)
  }

  /** Adds channels to those of a device. @throws MillraceError IMPORT_CHANNEL for one that it has as another */
  async declare(device: string, channels: Channel[]): Promise<void> {
    const known = this.#declared.get(device) ?? new Map<string, Channel>()
    const size = known.size
    for (const channel of channels) {
      const other = known.get(channel.name)
      if (other !== undefined && JSON.stringify(other) !== JSON.stringify(channel))
        throw new MillraceError('IMPORT_CHANNEL', { device, channel: channel.name })
      known.set(channel.name, channel)
    }
    if (known.size === size) return
    this.#declared.set(device, known)
    const all = [...known.values()]
    await this.#outbox.declare(device, all)
    this.#uplink.deviceOnline(device, all)
  }

  /** Readings, their counts and the watermark in one transaction. Waits for room in the outbox first, and then until it is durable. */
  async commit(drained: Drained[], key: string, watermark: Watermark): Promise<void> {
    await this.#until(() => this.#hasRoom())
    this.#outbox.keep(key, JSON.stringify(watermark))
    this.#committedMs = this.#clock.monotonic()
    if (!(await this.#outbox.commit(drained))) await this.#until(() => !this.#outbox.status().failing)
  }

  /** Resolves when the cloud has all of it, counts included, or `isStopped` says so. @returns whether it has */
  async sent(isStopped: () => boolean): Promise<boolean> {
    let isSent = false
    await this.#until(async () => {
      await this.#outbox.commit([])
      isSent = this.#clock.monotonic() - this.#committedMs > ledgerMs && this.#outbox.status().entries === 0
      return isSent || isStopped()
    }, 200)
    return isSent
  }

  /** Readings and samples of all files that were ever imported by it. */
  total(): number {
    let total = 0
    for (const [key, text] of this.#outbox.kept) {
      if (!key.startsWith('import/')) continue
      const { readings, samples } = (JSON.parse(text) as Watermark).counts
      total += readings.written + readings.refused + samples.written + samples.refused
    }
    return total
  }

  status() {
    return { outbox: this.#outbox.status(), uplink: this.#uplink.status() }
  }

  async close(): Promise<void> {
    await this.#uplink.stop()
    await this.#outbox.close()
  }

  #hasRoom(): boolean {
    const { bytes, bytesMax, failing } = this.#outbox.status()
    return !failing && bytes <= bytesMax / 2
  }

  async #until(isSo: () => boolean | Promise<boolean>, everyMs = lookEveryMs): Promise<void> {
    while (!(await isSo())) await new Promise<void>((resolve) => void this.#clock.after(everyMs, resolve))
  }
}
