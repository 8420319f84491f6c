/** An agent's outbox that two runs wrote to and neither emptied: batches, ledger records, a gap, what was set aside. */
import { join } from 'node:path'
import { type Channel, type EdgeCounts, emptyEdgeCounts } from '@millrace/contract'
import type { Drained, Entry, Outbox } from '@millrace/edge-agent/outbox'
import type { Version } from './version.ts'

const channels: Channel[] = [
  { name: 'pulse', kind: 'number', datatype: 'Int32', unit: '/min', scale: 0.1 },
  { name: 'note', kind: 'text', datatype: 'String', unit: '1' },
  { name: 'pleth', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 10 },
]

const t0 = Date.UTC(2026, 0, 1)

export function openSampleOutbox({ outbox, platform }: Version, dir: string): Promise<Outbox> {
  const { silentLog: log, systemClock: clock, createMetrics } = platform
  const options = outbox.outboxSchema.parse({ ledgerEveryMs: 0 })
  return outbox.openOutbox(outbox.sqliteStorage(join(dir, 'outbox')), options, { clock, log, metrics: createMetrics() })
}

export async function writeOutbox(version: Version, dir: string): Promise<void> {
  for (let run = 0; run < 2; run++) {
    const outbox = await openSampleOutbox(version, dir)
    await outbox.nextBdSeq()
    for (const device of ['a', 'b']) await outbox.declare(device, channels)
    for (let k = 0; k < 3; k++) await outbox.commit(['a', 'b'].map((device) => readings(device, t0 + run * 60_000 + k * 1000)))
    const [first, second] = outbox.next('live', 2)
    outbox.take(first!)
    outbox.release([first!])
    await outbox.setAside(second!)
    await outbox.issueGap()
    await outbox.close()
  }
}

function readings(device: string, fromMs: number): Drained {
  const t = Array.from({ length: 40 }, (_, k) => fromMs + 20 * k)
  const counts: EdgeCounts = { ...emptyEdgeCounts(), read: [41, 30], frames: [41, 1], filtered: [2, 0] }
  return {
    device,
    columns: {
      channels: { pulse: { t, v: t.map((ms) => (ms / 20) % 200) }, note: { t: [fromMs], v: ['probe off'] } },
      waves: { pleth: [{ t: fromMs, i: 10, v: Array.from({ length: 30 }, (_, k) => k * k) }] },
    },
    bad: [{ atMs: fromMs + 5, reason: 'checksum', hex: '000102', bytes: 3 }],
    counts,
  }
}

/** All that it holds. The stream of the run that asks is called `own`. */
export async function outboxAnswers(outbox: Outbox) {
  const entries = [...outbox.next('backlog', 1e6), ...outbox.next('live', 1e6)]
  const contents = await outbox.load(entries)
  const own = (text: string) => text.replaceAll(outbox.stream, 'own')
  const answers = {
    entries: entries.map((entry) =>
      JSON.parse(own(JSON.stringify({ ...timeless(entry, outbox.stream), content: contents.get(entry) }))),
    ),
    declarations: [...new Set(entries.map(({ declaration }) => declaration))].map((id) => outbox.declaration(id)),
    last: ['a', 'b'].map((device) => outbox.lastCommittedMs(device)),
    bdSeq: await outbox.nextBdSeq(),
  }
  return JSON.parse(JSON.stringify(answers))
}

/** What the run that asks wrote itself has its own time and, for its name, its own check sum. */
function timeless(entry: Entry, own: string): Partial<Entry> {
  if (entry.stream !== own) return entry
  const { createdMs: _, crc: __, first: ___, last: ____, ...rest } = entry
  return rest
}
