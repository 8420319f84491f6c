/** Disks back to their floor: nothing waits in an outbox, and no write-ahead log stays large. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Installation } from '../installation.ts'
import { outboxOf } from '../quiet.ts'

const MiB = 1024 * 1024
/** SQLite's journal_size_limit in the outbox is 4 MiB; a checkpoint may wait for a reader in the log and the store. */
const walBytesMax = { gateway: 8 * MiB, processor: 64 * MiB }

export interface DiskFinding {
  entries: number
  walBytes: number
  wrong: string[]
}

export async function compareDisks({ agents, processors, visitor }: Installation): Promise<DiskFinding> {
  const finding: DiskFinding = { entries: 0, walBytes: 0, wrong: [] }
  for (const agent of agents) {
    const { entries, bytes } = await outboxOf(agent)
    finding.entries += entries
    if (entries > 0) finding.wrong.push(`${agent.name} still holds ${entries} entries, ${bytes} bytes`)
  }
  for (const { dataDir } of agents) look(dataDir, walBytesMax.gateway)
  for (const { dataDir } of [...processors, ...(visitor ? [visitor] : [])]) look(dataDir, walBytesMax.processor)
  return finding

  function look(folder: string, most: number): void {
    for (const name of readdirSync(folder)) {
      if (name.includes('corrupt') || name.includes('damaged')) finding.wrong.push(`${join(folder, name)} was set aside`)
      if (!name.endsWith('-wal')) continue
      const { size } = statSync(join(folder, name))
      finding.walBytes = Math.max(finding.walBytes, size)
      if (size > most) finding.wrong.push(`${join(folder, name)} has ${size} bytes`)
    }
  }
}
