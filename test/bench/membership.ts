/**
 * How soon the partitions of a process that is gone are worked on again: Millrace's heartbeats beside Kafka's own groups, used for
 * assignment only, in one run on one Kafka. Three processes share six partitions; one is killed, another one leaves,
 * and both come back; at the end Kafka itself is frozen for a while.
 *
 *     node test/bench/membership.ts [turns] [kinds: millrace,classic]
 *
 *     millrace   heartbeats in a topic of the log: gone after 3 s
 *     classic    JoinGroup and SyncGroup, with the shortest session that a broker allows by default, 6 s
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { isMissing, obtain } from '../engines/index.ts'
import { CannotRun, program } from '../support/program.ts'
import { Group } from './membership-group.ts'
import type { MemberOptions } from './membership-member.ts'

const turns = Number(process.argv[2] ?? 10)
const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
const kinds = (process.argv[3] ?? 'millrace,classic').split(',') as MemberOptions['kind'][]
const partitions = 6
const frozenMs = 8000
const watchedMs = 20_000
const size = 3

await program('membership', async ({ dir, say, atEnd }) => {
  const kafka = await obtain('kafka', { dir }, say)
  if (isMissing(kafka)) throw new CannotRun(kafka.missing)
  atEnd(() => kafka.stop())
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [kafka.address] })
  atEnd(() => admin.close())
  const groups = await Promise.all(
    kinds.map(async (kind) => {
      const topic = `bench-${kind}`
      if (kind !== 'millrace') await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
      const group = new Group({ kind, address: kafka.address, topic, partitions })
      atEnd(() => group.stop())
      await measure(group, (text) => say(`${kind.padEnd(10)}${text}`))
      return group
    }),
  )
  const before = groups.map(({ changes }) => changes)
  kafka.freeze()
  await sleep(frozenMs)
  kafka.resume()
  await sleep(watchedMs)
  for (const [k, { changes }] of groups.entries())
    say(`${kinds[k]!.padEnd(10)}Kafka frozen for ${seconds(frozenMs)}: ${changes - before[k]!} changes of what a process holds`)
})

async function measure(group: Group, say: (text: string) => void): Promise<void> {
  for (let k = 0; k < size; k++) group.add()
  await group.untilShared(size)
  const tookMs: Record<string, number[]> = { killed: [], left: [], joined: [] }
  for (let turn = 0; turn < turns; turn++) {
    for (const [what, signal] of [['killed', 'SIGKILL'] as const, ['left', 'SIGTERM'] as const]) {
      group.end(signal)
      tookMs[what]!.push(await group.untilShared(size - 1))
      group.add()
      tookMs.joined!.push(await group.untilShared(size))
    }
    say(`turn ${turn + 1}: ${Object.entries(tookMs).map(([what, all]) => `${what} ${seconds(all.at(-1)!)}`)}`)
  }
  for (const [what, all] of Object.entries(tookMs)) {
    all.sort((a, b) => a - b)
    say(`${what.padEnd(8)} p50 ${seconds(all[all.length >> 1]!)}, max ${seconds(all.at(-1)!)}, ${all.length} times`)
  }
}
