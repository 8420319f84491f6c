/** `millrace-agent doctor`: goes the way of a reading, from the device to the processor's receipt, and says what to do where it ends. */
import { type Clock, MillraceError } from '@millrace/platform'
import type { AgentStatus } from '../agent.ts'
import type { AgentConfig } from '../config.ts'
import { checkAgent } from '../engines.ts'
import { askStatus } from '../status.ts'
import { checkBroker } from './broker.ts'
import { checkClock } from './clock.ts'
import { checkCredential } from './credential.ts'
import { checkDevices } from './devices.ts'
import { checkDisk } from './disk.ts'
import { type Finding, ok, warning, wrong } from './finding.ts'
import { checkNetwork } from './network.ts'
import { becomeOwner } from './user.ts'

export type { Finding } from './finding.ts'

/** Each finding as soon as it is there. @param load reads the configuration, as the user that runs this process then */
export async function* diagnose(load: () => AgentConfig, clock: Clock): AsyncGenerator<Finding> {
  const loaded = tryLoad(load)
  if ('level' in loaded) return yield loaded
  yield becomeOwner(loaded.dataDir)
  const config = tryLoad(load)
  if ('level' in config) return yield config
  yield* checkConfiguration(config)
  const ask = (): Promise<AgentStatus | undefined> =>
    askStatus(config.dataDir).then(
      (body) => JSON.parse(body),
      () => undefined,
    )
  const disk = checkDisk(config)
  yield* disk
  yield await checkClock(clock.now())
  yield* await checkDevices(config, await ask(), clock)
  const network = await checkNetwork(config, clock.now())
  yield* network
  const credential = checkCredential(config, clock.now())
  yield* credential
  if (![...disk, ...network, ...credential].some(({ level }) => level === 'wrong')) yield* await checkBroker(config, ask, clock)
}

function tryLoad(load: () => AgentConfig): AgentConfig | Finding {
  try {
    const config = load()
    checkAgent(config)
    return config
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    return wrong('configuration', error.message, 'Correct the file, or write a new one: millrace-agent setup.')
  }
}

function* checkConfiguration(config: AgentConfig): Generator<Finding> {
  const warnings = checkAgent(config)
  if (warnings.length === 0) yield ok('configuration', `${config.group}/${config.node}, ${config.devices.length} devices`)
  for (const says of warnings) {
    const isOfDevice = says.startsWith('devices.')
    const remedy = isOfDevice
      ? 'Set a shorter heartbeat, or a longer absent rule.'
      : 'Change what it names, or leave it to the cloud.'
    yield warning('configuration', says, remedy)
  }
}

const signs = { ok: 'ok     ', warning: 'warning', wrong: 'WRONG  ' }

/** For people. */
export function lineOf({ check, level, says, remedy }: Finding): string {
  return `${signs[level]}  ${check.padEnd(13)}  ${says}${remedy === undefined ? '' : `\n${' '.repeat(24)}→ ${remedy}`}`
}
