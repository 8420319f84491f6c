/** `millrace device`. */
import { join, resolve } from 'node:path'
import { readArguments } from '@millrace/platform'
import { apiOf, asking, data } from '../asking.ts'
import { type Command, lanData } from '../command.ts'
import type { Added } from './add.ts'
import { registryOptions, registryWords, runRegistry } from './registry.ts'

const say = (text: string) => process.stdout.write(`${text}\n`)

const options = {
  ...asking,
  data: { type: 'string' },
  topic: { type: 'string' },
  name: { type: 'string' },
  seconds: { type: 'string', default: '60' },
  ...registryOptions,
} as const

export const deviceCommands: Record<string, Command> = {
  device: {
    usage: '<add|list|show|assign|unassign|describe|replace|decommission|recommission>',
    purpose:
      'add makes the account of a plain MQTT device, listens to it, and writes how its payload is read, 1 when nothing came; the others are of the device registry: what a device measures when, where it is, what took its place',
    async run(args) {
      const words = ['add --topic <topic>', ...registryWords]
      const { values, positionals, refuse } = readArguments({ call: 'millrace device', words, args }, options)
      const [what, device] = positionals
      if (what !== 'add') {
        const missing = what === 'assign' ? 'to' : what === 'replace' ? 'with' : undefined
        if (missing && values[missing] === undefined) return refuse(`--${missing} is missing`)
        return runRegistry(apiOf({ ...values, data: values.data ?? data.default }), { what: what!, device, ...values })
      }
      const { topic, name } = values
      if (topic === undefined) return refuse('--topic is missing, such as --topic lab/esp32-1/state')
      const seconds = secondsOf(values.seconds)
      const { addDevice } = await import('./add.ts')
      const folder = values.data ?? lanData
      const added = await addDevice({ data: folder, topic, ...(name === undefined ? {} : { name }), seconds }, say)
      say(outcomeText(added, join(resolve(folder), 'processor.yaml')))
      return added.proposal || added.template ? 0 : 1
    },
  },
}

/** @throws Error that names the value. */
function secondsOf(text: string): number {
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= 86_400)) throw new Error(`--seconds ${text}: 1 to 86400`)
  return seconds
}

function outcomeText({ received, proposal, template }: Added, file: string): string {
  if (template) {
    const base = template.base === undefined ? '' : `, base ${template.base}`
    return `written     ${file}, template ${template.template}${base}: it reads every such device below that`
  }
  if (received.length === 0) return 'nothing came. The account is made: let the device publish, and ask again'
  if (!proposal) return 'no value was found in what came. Write the entry of `devices` by hand: docs/reference/configuration.md'
  const channels = proposal.channels.map(({ name, kind, unit }) => `  ${name}  ${kind}${unit === '1' ? '' : `, ${unit}`}`)
  return [`written     ${file}, codec ${proposal.codec}; look at the units, which are guessed by the names`, ...channels].join(
    '\n',
  )
}
