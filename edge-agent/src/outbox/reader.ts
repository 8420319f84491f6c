/** Contents of stored entries: from memory while they are fresh, else from the disk, checked against their CRC. */
import { crc32 } from 'node:zlib'
import { type Log, MillraceError } from '@millrace/platform'
import { type Content, decodeContent } from './content.ts'
import type { Entry } from './entry.ts'
import type { State } from './state.ts'
import type { OutboxStorage } from './storage.ts'
import type { Writer } from './writer.ts'

export interface ReaderContext {
  state: State
  storage: OutboxStorage
  writer: Writer
  log: Log
}

export async function loadContents(context: ReaderContext, entries: Entry[]): Promise<Map<Entry, Content>> {
  const { cache, shelf } = context.state
  const contents = new Map<Entry, Content>()
  const missing: Entry[] = []
  for (const entry of entries) {
    const cached = cache.get(entry)
    if (cached) contents.set(entry, cached)
    else if (shelf.has(entry)) missing.push(entry)
  }
  const payloads = await read(context, missing)
  for (const entry of missing) {
    const content = unpack(entry, payloads.get(entry.id))
    if (content) contents.set(entry, content)
    else if (shelf.has(entry)) setAside(context, entry)
  }
  return contents
}

/** Gap and closing ledger records stay in memory as well: if the file is lost they are written again. */
export async function loadGuards(context: ReaderContext): Promise<void> {
  const { shelf, cache } = context.state
  const contents = await loadContents(context, [...shelf.guards()])
  for (const [entry, content] of contents) cache.set(entry, content)
}

async function read({ storage, writer }: ReaderContext, entries: Entry[]): Promise<Map<number, Uint8Array>> {
  if (entries.length === 0) return new Map()
  try {
    return await storage.read(entries.map(({ id }) => id))
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'AGENT_OUTBOX_CORRUPT') writer.damaged()
    throw error
  }
}

function setAside({ state, writer, log }: ReaderContext, entry: Entry): void {
  const { stream, number } = entry
  log.error('an entry of the outbox has changed on the disk and was set aside', { stream, number })
  state.next.aside.add(entry)
  void writer.write()
}

function unpack(entry: Entry, payload: Uint8Array | undefined): Content | undefined {
  if (!payload || crc32(payload) !== entry.crc) return undefined
  try {
    return decodeContent(entry.kind, payload)
  } catch {
    return undefined
  }
}
