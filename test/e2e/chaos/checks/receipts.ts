/** What was receipted, or freed by an outbox, or committed, is in raw; and no receipt was seen before its batch was there. */
import { parseBatchName } from '@millrace/contract'
import { peek } from '@millrace/contract/sparkplug'
import type { Ledgers, Name } from '../observer.ts'
import type { LogView } from './log.ts'

/** Each name in raw, and when it was first appended. */
export async function readNames(log: LogView): Promise<Map<Name, number>> {
  const names = new Map<Name, number>()
  for await (const { record, timeMs } of log.read('raw')) {
    if (record.k !== 'message') continue
    const name = parseBatchName(peek(Buffer.from(record.payloadBase64 as string, 'base64'))?.uuid)
    const key = `${name?.stream}/${name?.number}`
    if (name && !names.has(key)) names.set(key, timeMs)
  }
  return names
}

/** @returns what is wrong. */
export function compareReceipts({ committed, freed, receipted }: Ledgers, inRaw: Map<Name, number>): string[] {
  const wrong: string[] = []
  for (const [name, atMs] of receipted) {
    const rawMs = inRaw.get(name)
    if (rawMs === undefined) wrong.push(`${name} was receipted and is not in raw`)
    else if (atMs < rawMs) wrong.push(`${name} was receipted ${rawMs - atMs} ms before it was appended`)
  }
  for (const name of freed.keys()) if (!inRaw.has(name)) wrong.push(`${name} was freed by its outbox and is not in raw`)
  for (const name of committed.keys()) if (!inRaw.has(name)) wrong.push(`${name} was committed and never came to raw`)
  return wrong
}
