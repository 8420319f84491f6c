/** From a scenario to instruments and ports: one bay for each line that a reader can open. */
import { checkConfig, MillraceError } from '@millrace/platform'
import { decoderOf } from './instruments/decoder-of.ts'
import { type Instrument, instrumentPlugins } from './instruments/index.ts'
import { createPtyPort, createTcpPort, type Port, type PortAddress } from './ports/index.ts'
import { openRecording } from './recordings/index.ts'
import { membersOf, type Scenario, type ScenarioMember } from './scenario.ts'

export interface Bay {
  id: string
  instrument: Instrument
  port: Port
}

/** @throws MillraceError CONFIG_INVALID for an unknown kind or a signal parameter, RECORDING_INVALID. */
export function assemble(scenario: Scenario, portsDir: string): Bay[] {
  return membersOf(scenario).flatMap((member) =>
    [...instrumentsOf(scenario, member)].map(([suffix, instrument], k) => ({
      id: member.name + suffix,
      instrument,
      port:
        member.port === 'tcp'
          ? createTcpPort(member.tcpPort === 0 ? 0 : member.tcpPort + k)
          : createPtyPort(portsDir, member.name + suffix),
    })),
  )
}

function instrumentsOf(
  { seed, distinct }: Scenario,
  { kind, recording, name, signal, decoder }: ScenarioMember,
): Map<string, Instrument> {
  if (recording !== undefined) return openRecording(recording, kind, decoder)
  const plugin = instrumentPlugins.find((one) => one.kind === kind)
  if (!plugin) throw new MillraceError('CONFIG_INVALID', { path: name, detail: `unknown instrument ${kind}` })
  const options = { signal: checkConfig(plugin.schema, signal, `${name}: signal`), decoder, seed, device: name, distinct }
  return new Map([['', plugin.create(options)]])
}

/** One device of the edge agent's configuration. */
export interface AgentDevice {
  id: string
  bus:
    | { kind: 'serial'; path: string; baudRate: number; dataBits: 7 | 8; parity: 'none' | 'even' | 'odd'; stopBits: 1 | 2 }
    | { kind: 'tcp'; host: string; port: number }
  decoder: { kind: string } & Record<string, unknown>
}

/**
 * What the agent's configuration must say to read this fleet. Paths of pseudo-terminals are known before the fleet starts; for a
 * TCP port that the system chooses take `agentDevices` of the running fleet.
 */
export function agentDevices(scenario: Scenario, portsDir: string): AgentDevice[] {
  return assemble(scenario, portsDir).map(({ id, instrument, port }) => agentDevice(id, instrument, port.address()))
}

export function agentDevice(
  id: string,
  { kind, config }: Pick<Instrument, 'kind' | 'config'>,
  address: PortAddress,
): AgentDevice {
  const bus = address.kind === 'tcp' ? address : { ...address, ...decoderOf(kind).link(config) }
  return { id, bus, decoder: { ...(config as object), kind } }
}
