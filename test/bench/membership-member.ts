/** A process of membership.ts: prints, as a line of JSON, the partitions that it works on whenever they change; leaves on SIGTERM. */
import { openKafkaLog } from '@millrace/cloud-processor/log'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { Consumer } from '@platformatic/kafka'
import { keepAssignments } from '../../cloud-processor/src/members/assignments.ts'
import { joinMembers } from '../../cloud-processor/src/members/members.ts'

export interface MemberOptions {
  kind: 'millrace' | 'classic'
  address: string
  topic: string
  partitions: number
}

const options = JSON.parse(process.argv[2]!) as MemberOptions
let last = ''
process.on('SIGTERM', () => void leave().finally(() => process.exit()))
const leave = options.kind === 'millrace' ? await joinBoard(options) : await joinGroup(options)

function tell(held: string[]): void {
  const line = JSON.stringify(held.sort())
  if (line !== last) process.stdout.write(`${line}\n`)
  last = line
}

async function joinBoard({ address, topic, partitions }: MemberOptions): Promise<() => Promise<void>> {
  const log = await openKafkaLog(
    { brokers: [address], replicas: 1, partitions: 1, topicPrefix: `${topic}.` },
    { log: silentLog, metrics: createMetrics() },
  )
  const assignments = keepAssignments(systemClock)
  const held = new Set<string>()
  const id = `${process.pid}`
  const context = { clock: systemClock, logger: silentLog, metrics: createMetrics() }
  const members = joinMembers(
    log.heartbeats,
    { id, roles: ['work'], holds: () => assignments.held(), lagMs: () => ({}) },
    context,
  )
  const start = (partition: number) => {
    tell([...held.add(`${partition}`)])
    const stop = async () => {
      held.delete(`${partition}`)
      tell([...held])
    }
    return { stop }
  }
  assignments.follow(members, [{ name: 'work', partitions, start }])
  return async () => {
    await assignments.stop()
    await members.close()
    await log.close()
  }
}

async function joinGroup({ address, topic }: MemberOptions): Promise<() => Promise<void>> {
  const consumer = new Consumer({
    ...{ clientId: 'bench', groupId: topic, bootstrapBrokers: [address] },
    ...{ sessionTimeout: 6000, rebalanceTimeout: 6000, heartbeatInterval: 500 },
  })
  consumer.topics.trackAll(topic)
  consumer.on('consumer:group:join', ({ assignments }) =>
    tell((assignments ?? []).flatMap(({ partitions }) => partitions.map(String))),
  )
  await consumer.joinGroup({})
  return () => consumer.close(true)
}
