/** `millrace device add`. */
import { join, resolve } from 'node:path'
import { readArguments } from '@millrace/platform'
import { type Command, lanData } from '../command.ts'
import type { Added } from './add.ts'

const say = (text: string) => process.stdout.write(`${text}\n`)

export const deviceCommands: Record<string, Command> = {
  device: {
    usage: 'add --topic <topic>',
    purpose: 'makes the account of a plain MQTT device, listens to it, and writes how its payload is read; 1 when nothing came',
    async run(args) {
      const options = {
        data: { type: 'string', default: lanData },
        topic: { type: 'string' },
        name: { type: 'string' },
        seconds: { type: 'string', default: '60' },
      } as const
      const { values, refuse } = readArguments({ call: 'millrace device', words: ['add --topic <topic>'], args }, options)
      if (values.topic === undefined) return refuse('--topic is missing, such as --topic lab/esp32-1/state')
      const { data, topic, name } = values
      const seconds = secondsOf(values.seconds)
      const { addDevice } = await import('./add.ts')
      const added = await addDevice({ data, topic, ...(name === undefined ? {} : { name }), seconds }, say)
      say(outcomeText(added, join(resolve(data), 'processor.yaml')))
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
