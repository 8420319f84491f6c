/**
 * Whether the broker lets the agent in, and whether the processor sends receipts. Of an agent that runs its status says so.
 * Otherwise the agent itself is started for some seconds, and its devices are declared and not opened: it takes its outbox, sends
 * births and what waits, and stops; nothing else proves that a receipt comes back.
 */
import { type Clock, createMetrics, type Log, silentLog } from '@millrace/platform'
import { type AgentStatus, startAgent } from '../agent.ts'
import type { AgentConfig } from '../config.ts'
import type { Device } from '../device.ts'
import { openEngines } from '../engines.ts'
import type { UplinkStatus } from '../uplink/index.ts'
import { checkOffset } from './clock.ts'
import { type Finding, ok, warning, wrong } from './finding.ts'

const withinMs = 10_000
const lookMs = 100
/** An agent that has nothing to send gets no receipts. */
const freshMs = 60_000

/** Asks the agent that runs; undefined when it does not answer any more. */
export type Ask = () => Promise<AgentStatus | undefined>

export async function checkBroker(config: AgentConfig, ask: Ask, clock: Clock): Promise<Finding[]> {
  if (await ask()) return judge(config, await watch(async () => (await ask())?.uplink as UplinkStatus | undefined, clock))
  let refusal: string | undefined
  const log: Log = { ...silentLog, warn: (_text, { reason } = {}) => (refusal ??= reason as string | undefined) }
  try {
    const engines = openEngines(config, { clock, log, metrics: createMetrics() })
    const agent = await startAgent(config, {
      ...engines,
      devices: (given, status, clock) => engines.devices(given, status, clock).map(unopened),
    })
    const seen = await watch(async () => agent.status().uplink as UplinkStatus, clock)
    await agent.stop()
    return judge(config, { ...seen, lastError: seen?.lastError ?? refusal } as UplinkStatus)
  } catch (error) {
    return [wrong('broker', (error as Error).message, 'Then run the doctor again.')]
  }
}

function unopened(device: Device): Device {
  const { id, channels } = device
  return { id, channels, start() {}, drain: () => [], gap() {}, status: () => device.status(), stop: async () => {} }
}

/** The first status with a fresh receipt, else the last within the time. */
async function watch(status: () => Promise<UplinkStatus | undefined>, clock: Clock): Promise<UplinkStatus | undefined> {
  let seen = await status()
  for (let waitedMs = 0; waitedMs < withinMs && !hasReceipt(seen); waitedMs += lookMs) {
    await new Promise<void>((resolve) => clock.after(lookMs, resolve))
    seen = (await status()) ?? seen
  }
  return seen
}

const hasReceipt = (seen: UplinkStatus | undefined) => (seen?.receiptAgoMs ?? Number.POSITIVE_INFINITY) < freshMs

function judge({ uplink, host, group, node, devices }: AgentConfig, seen: UplinkStatus | undefined): Finding[] {
  if (!seen?.connected) return [refused(uplink.url, seen?.lastError ?? 'no answer', `${group}/${node}`)]
  const entered = ok('broker', `${uplink.url} lets ${group}/${node} in`)
  if (!uplink.receipts) return [entered, ok('processor', 'receipts are switched off: nobody says what arrived')]
  if (hasReceipt(seen)) return [entered, ok('processor', `${host} sends receipts`), ...checkOffset(seen.clockOffsetMs)]
  if (devices.length === 0)
    return [entered, warning('processor', 'receipts cannot be checked: no device is configured', 'Add a device, and ask again.')]
  if (!seen.hostOnline)
    return [entered, wrong('processor', `the processor ${host} says that it is offline`, 'Start the processor.')]
  const remedy = `Start the processor on this broker; its bridge.host must be ${host}, and this account must be the node ${group}/${node}.`
  return [entered, wrong('processor', `no receipt of ${host} within ${withinMs / 1000} s: what is sent arrives nowhere`, remedy)]
}

function refused(url: string, error: string, node: string): Finding {
  if (/not authori[sz]ed|refused a subscription/i.test(error)) {
    const remedy = `Give the account that node: millrace-broker passwd ... --role node --args ${node}; or correct group and node.`
    return wrong('broker', `the account may not be the node ${node} (${error})`, remedy)
  }
  if (/bad user ?name|identifier rejected/i.test(error)) {
    const remedy = 'Correct uplink.username and uplink.passwordFile, or add the account to the broker.'
    return wrong('broker', `${url} refuses the account (${error})`, remedy)
  }
  const remedy = 'Check that an MQTT broker listens there, and what its log says of this client.'
  return wrong('broker', `no session on ${url}: ${error}`, remedy)
}
