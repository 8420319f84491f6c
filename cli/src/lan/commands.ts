/** The commands of a local network: a broker that is open to it, and the processes. */
import { join } from 'node:path'
import { readArguments } from '@millrace/platform'
import { type Command, lanData } from '../command.ts'
import type { Opened } from './open.ts'

const data = { type: 'string', default: lanData } as const
const brokerPurpose = `open makes authority, certificate, accounts and configuration of a broker and processor for the local network.
token makes the account of a gateway and prints what to paste into millrace-agent setup there; it has a password in it. A token of
\`millrace ca token\` gives the gateway a certificate instead.`
const say = (text: string) => process.stdout.write(`${text}\n`)

export const lanCommands: Record<string, Command> = {
  broker: {
    usage: 'open|token',
    purpose: 'makes authority, certificate, accounts and configuration of a broker and processor for the local network',
    async run(args) {
      const options = {
        data,
        name: { type: 'string', multiple: true, default: [] as string[] },
        port: { type: 'string', default: '8883' },
        'web-port': { type: 'string', default: '8080' },
        'ca-port': { type: 'string', default: '8884' },
        node: { type: 'string' },
        url: { type: 'string' },
      } as const
      const usage = { call: 'millrace broker', words: ['open', 'token --node <group/node>'], purpose: brokerPurpose, args }
      const { values, positionals, refuse } = readArguments(usage, options)
      if (positionals[0] === 'token') {
        const { gatewayToken } = await import('./token.ts')
        say(await gatewayToken({ data: values.data, node: values.node ?? refuse('--node is missing'), url: values.url }))
        return 0
      }
      const [port, webPort] = [portOf('--port', values.port), portOf('--web-port', values['web-port'])]
      const caPort = portOf('--ca-port', values['ca-port'])
      const { openBroker } = await import('./open.ts')
      say(openedText(await openBroker({ data: values.data, names: values.name, port, webPort, caPort }), port))
      return 0
    },
  },
  run: {
    usage: '',
    purpose: 'runs the broker, the processor and the endpoint of the authority that `broker open` made, until Ctrl-C',
    async run(args) {
      const { values } = readArguments({ call: 'millrace run', args }, { data })
      const asked = new Promise<void>((stop) => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop())
      })
      const { serve } = await import('./run.ts')
      const served = await Promise.race([serve(values.data, say), asked])
      if (served) {
        say(`Millrace runs:  ${served.url}`)
        await asked
        await served.stop()
      }
      process.exit(0)
    },
  },
}

/** @throws Error that names the option and the value. */
function portOf(option: string, text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${option} ${text}: a port is 1 to 65535`)
  return port
}

function openedText({ dir, names, made }: Opened, port: number): string {
  return [
    `made        ${made.join(', ')} in ${dir}`,
    `devices     mqtts://${names[0]}:${port}, with ${join(dir, 'ca', 'ca.crt')} as their authority`,
    `names       ${names.join(', ')}`,
    'next        millrace run, and millrace device add --topic lab/esp32-1/state, or millrace ca token <group/node>',
  ].join('\n')
}
