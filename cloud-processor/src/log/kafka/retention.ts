/** What is older than the bounds in the configuration, and needed by no registered reader, is dropped. */
import { topics } from '@millrace/contract'
import type { At } from './client.ts'
import type { KafkaLogConfig } from './config.ts'
import type { LogParts } from './parts.ts'
import type { Measured } from './trim.ts'

export async function dropOld(log: LogParts): Promise<void> {
  await log.sizes.measure()
  const upTo: (At & { offset: number })[] = []
  for (const measured of log.sizes.all()) {
    const offset = await firstToKeep(log, measured)
    if (offset > measured.start) upTo.push({ topic: measured.topic, partition: measured.partition, offset })
  }
  await log.trimmer.drop(upTo)
  for (const { offset, ...at } of upTo) log.edges.seen(at, { start: offset })
  await log.sizes.measure()
}

async function firstToKeep({ config, clock, trimmer, registry, names }: LogParts, measured: Measured): Promise<number> {
  const { bytesMax, hoursMax } = boundsOf(config, names.topicOf.get(measured.topic)!)
  const since = await trimmer.firstSince(measured, clock.now() - hoursMax * 3_600_000, measured.end)
  const surplus = Math.max(since, measured.keep(Math.floor(bytesMax / config.partitions)))
  const needed = (await registry.needed(measured)) ?? Number.POSITIVE_INFINITY
  return Math.min(surplus, needed, measured.end)
}

function boundsOf({ retention }: KafkaLogConfig, topic: string) {
  const short = (Object.keys(topics) as (keyof typeof topics)[]).find((name) => topics[name] === topic)!
  return retention[short]
}
