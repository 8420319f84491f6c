/** Broker, agent and processor as real processes; the agent and the processor each have a wall clock that the drill sets. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addUser } from '@millrace/broker/broker'
import { freePort } from '@millrace/platform/testing/free-port'
import { type Api, openApi } from 'millrace'
import { stringify } from 'yaml'
import type { Program } from '../../support/program.ts'
import { type RealProcess, realProcess } from '../../support/real-process.ts'
import { type WallClock, wallClock } from './wall-clock.ts'

export interface Drilled {
  process: RealProcess
  clock: WallClock
}

export interface System {
  agent: Drilled
  processor: Drilled
  api: Api
  /** Of the processor, for `millrace replay check`. */
  configFile: string
}

const fast = { name: 'fast', channel: 'speed', condition: 'above', set: 50, priority: 'high' }

/** Starts processes of one installation, by their configuration. */
export function startsIn({ dir, atEnd, check }: Program) {
  mkdirSync(join(dir, 'logs'), { recursive: true })
  return async (name: string, specifier: string, config: object, command: string[] = []): Promise<RealProcess> => {
    const file = join(dir, `${name}.yaml`)
    writeFileSync(file, stringify(config), { mode: 0o600 })
    const main = fileURLToPath(import.meta.resolve(specifier))
    const [first, ...args] = [...command, process.execPath, main, 'run', '--config', file]
    const onUnexpectedEnd = (how: string) => check(false, `${name} ended by itself: ${how}`)
    const kind = specifier.includes('agent') ? 'agent' : 'processor'
    const one = realProcess({
      name,
      command: first!,
      args,
      readyWhen: name === 'broker' ? /"listening"/ : new RegExp(`"${kind} ready"`),
      logFile: join(dir, 'logs', `${name}.log`),
      onUnexpectedEnd,
    })
    atEnd(() => one.stop())
    await one.start()
    return one
  }
}

export async function startSystem(program: Program, gpsPort: number, webhook: string): Promise<System> {
  const { dir } = program
  const start = startsIn(program)
  const [port, webPort] = [await freePort(), await freePort()]
  const url = `mqtt://127.0.0.1:${port}`
  const users = join(dir, 'users')
  await addUser(users, { name: 'gateway', password: 'gateway-password', role: 'node', args: ['drill/gateway'] })
  await addUser(users, { name: 'processor', password: 'processor-password', role: 'host', args: ['millrace'] })

  await start('broker', '@millrace/broker/main', { listen: { port }, users })
  const clocks = { agent: wallClock(join(dir, 'agent.clock')), processor: wallClock(join(dir, 'processor.clock')) }
  const processor = await start(
    'processor',
    '@millrace/cloud-processor/main',
    {
      dataDir: join(dir, 'processor'),
      bridge: { url, username: 'processor', password: 'processor-password', host: 'millrace' },
      web: { port: webPort },
      rules: { rules: [fast] },
      notifier: { to: [{ kind: 'webhook', url: webhook }] },
    },
    clocks.processor.command,
  )
  const agent = await start(
    'agent',
    '@millrace/edge-agent/main',
    {
      group: 'drill',
      node: 'gateway',
      host: 'millrace',
      dataDir: join(dir, 'agent'),
      uplink: { url, username: 'gateway', password: 'gateway-password', reconnectMsMax: 1000 },
      devices: [
        { id: 'gps', bus: { kind: 'tcp', host: '127.0.0.1', port: gpsPort }, decoder: { kind: 'nmea-0183', motion: 'VTG' } },
      ],
    },
    clocks.agent.command,
  )
  return {
    agent: { process: agent, clock: clocks.agent },
    processor: { process: processor, clock: clocks.processor },
    api: openApi(`http://127.0.0.1:${webPort}/`),
    configFile: join(dir, 'processor.yaml'),
  }
}
