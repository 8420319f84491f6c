/** Sparkplug 3.0 as a host application has to keep it: the bridge's connection, with every packet that it sends. */
import { bridgeSchema, connectTransport } from '@millrace/cloud-processor/bridge'
import { nodeMetrics } from '@millrace/contract'
import { decodePayload, decodeState, encodeNodeCommand } from '@millrace/contract/sparkplug'
import { silentLog, systemClock } from '@millrace/platform'
import { type Clause, clause, eventually, pause } from './clause.ts'
import { filtersIn, type Heard, startListening, willIn } from './listening-broker.ts'

const stateTopic = 'spBv1.0/STATE/millrace'

/** One host from its first connection to its goodbye. */
export async function hostClauses(): Promise<{ clauses: Clause[]; close(): Promise<void> }> {
  const broker = await startListening()
  const transport = connectTransport(bridgeSchema.parse({ url: broker.url }), { clock: systemClock, logger: silentLog })
  await transport.lead(true)
  const states = () => broker.heard.filter(({ topic }) => topic === stateTopic)
  await eventually(
    () => states().length > 0,
    () => 'no birth',
  )
  transport.publish('spBv1.0/g/NCMD/n', encodeNodeCommand(nodeMetrics.rebirth, true, Date.now()))
  await pause(50)
  const leftMs = Date.now()
  await transport.lead(false, true)
  await transport.close()
  await eventually(
    () => broker.heard.at(-1)?.type === 14,
    () => 'no DISCONNECT',
  )
  return { clauses: [...ofState(broker.heard, leftMs), ...ofCommands(broker.heard)], close: () => broker.close() }
}

function ofState(heard: Heard[], leftMs: number): Clause[] {
  const states = heard.filter(({ topic }) => topic === stateTopic)
  const [birth, death] = [states[0]!, states.at(-1)!]
  const own = heard.filter(({ connection }) => connection === birth.connection)
  const will = willIn(own[0]!.body)
  const filters = own.filter(({ type }) => type === 8).flatMap(({ body }) => filtersIn(body).map(({ filter }) => filter))
  const subscribed = own.findIndex(({ type }) => type === 8)
  return [
    clause('tck-id-host-topic-phid-death-topic', 'the will is a STATE', () => will.topic === stateTopic),
    clause('tck-id-host-topic-phid-death-qos', 'of QoS 1', () => ((will.flags >> 3) & 3) === 1),
    clause('tck-id-host-topic-phid-death-retain', 'retained', () => (will.flags & 0x20) !== 0),
    clause('tck-id-host-topic-phid-death-payload', 'that says offline', () => decodeState(will.payload)?.online === false),
    clause('tck-id-message-flow-phid-sparkplug-clean-session-311', 'in a clean session', () => (will.flags & 2) === 2),
    clause('tck-id-message-flow-phid-sparkplug-subscription', 'one connection has STATE and the namespace', () => {
      return (filters.includes(stateTopic) && filters.includes('spBv1.0/#')) || filters
    }),
    clause('tck-id-message-flow-phid-sparkplug-state-publish', 'the birth follows the subscriptions', () => {
      return subscribed >= 0 && subscribed < own.indexOf(birth)
    }),
    clause('tck-id-host-topic-phid-birth-qos', 'the birth has QoS 1', () => birth.qos === 1),
    clause('tck-id-host-topic-phid-birth-retain', 'and is retained', () => birth.retain),
    clause('tck-id-host-topic-phid-birth-payload', 'it says online, with the timestamp of the will', () => {
      const { online, timestamp } = decodeState(birth.body)!
      return online && timestamp === decodeState(will.payload)!.timestamp
    }),
    clause('tck-id-host-topic-phid-death-payload-timestamp-disconnect-clean', 'a clean goodbye has the time of leaving', () => {
      const { online, timestamp } = decodeState(death.body)!
      return (!online && timestamp >= leftMs && timestamp <= leftMs + 5000) || `${death.body}`
    }),
    clause('tck-id-operational-behavior-host-application-disconnect-intentional', 'and comes before DISCONNECT', () => {
      return own.indexOf(death) < own.findLastIndex(({ type }) => type === 14)
    }),
  ]
}

function ofCommands(heard: Heard[]): Clause[] {
  const command = heard.find(({ topic }) => topic === 'spBv1.0/g/NCMD/n')!
  const [metric] = decodePayload(command.body).metrics
  return [
    clause('tck-id-payloads-ncmd-qos', 'a command has QoS 0', () => command.qos === 0),
    clause('tck-id-payloads-ncmd-retain', 'and is not retained', () => !command.retain),
    clause('tck-id-operational-behavior-data-commands-ncmd-rebirth-name', 'a rebirth request has its name', () => {
      return metric?.name === nodeMetrics.rebirth
    }),
    clause('tck-id-operational-behavior-data-commands-ncmd-rebirth-value', 'and the value true', () => metric?.value === true),
  ]
}
