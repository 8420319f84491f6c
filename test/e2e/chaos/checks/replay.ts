/**
 * The same log gives the same result, of a log with several partitions on which several processors worked: prepare and rules
 * run here over it from the start, into nothing, and every record that they make is compared with the one that has the same
 * source position and index.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { plainDevices, processorSchema } from '@millrace/cloud-processor/config'
import type { Log } from '@millrace/cloud-processor/log'
import { createPrepareStage } from '@millrace/cloud-processor/prepare'
import { createRulesStage } from '@millrace/cloud-processor/rules'
import type { Stage } from '@millrace/cloud-processor/stage'
import { topics } from '@millrace/contract'
import { loadConfig } from '@millrace/platform'
import type { Installation } from '../installation.ts'
import { readByRule, type TopicName } from './log.ts'

/** By output topic, output partition, and source: what the record is. */
type Made = Map<string, string>

export async function replayShared({ dir }: Installation, log: Log): Promise<{ isSame: boolean; text: string }> {
  const config = loadConfig(processorSchema, join(dir, 'processor-1.yaml'))
  const prepare = { ...config.prepare, plain: plainDevices(config) }
  const all = [
    await compare(log, createPrepareStage(prepare, log.partitions), ['timeline', 'rejected']),
    await compare(log, createRulesStage(config.rules), ['alarms']),
  ]
  return { isSame: all.every(({ differs }) => differs === undefined), text: all.map(({ text }) => text).join('\n') }
}

async function compare<State>(log: Log, stage: Stage<State>, outputs: TopicName[]) {
  const made: Made = new Map()
  /** What stands after it was not yet made: by output topic, output partition and source partition. */
  const reached = new Map<string, number>()
  for (const topic of outputs) {
    for await (const { partition, source, value } of readByRule(log, topic)) {
      if (source?.log !== log.id) continue
      made.set(`${topics[topic]} ${partition} ${source.partition}/${source.offset}/${source.index}`, digest(value))
      reached.set(`${topics[topic]} ${partition} ${source.partition}`, source.offset)
    }
  }
  let compared = 0
  let differs: string | undefined
  let state: State | undefined
  let at = -1
  const input = stage.input.slice('millrace.'.length) as TopicName
  for await (const { partition, ...record } of readByRule(log, input)) {
    if (partition !== at) state = stage.initial(partition)
    at = partition
    let index = 0
    stage.step(state!, record, (topic, key, value) => {
      const targets = key === null ? [...Array(log.partitions).keys()] : [log.partitionOf(key)]
      for (const to of targets) {
        const lane = `${topic} ${to} ${partition}`
        const name = `${lane}/${record.offset}/${index++}`
        const then = made.get(name)
        made.delete(name)
        if (then === digest(value)) compared++
        // What the live stage has not made yet is not a difference.
        else if (then !== undefined || record.offset <= (reached.get(lane) ?? -1))
          differs ??= `${name} ${then === undefined ? 'was not made then' : 'differs'}: now ${Buffer.from(value).toString().slice(0, 300)}`
      }
    })
  }
  const [surplus] = made.keys()
  if (surplus !== undefined) differs ??= `${surplus} was made then and is not made now`
  return { differs, text: `${outputs.join(', ')}: ${differs ?? `${compared} records, all the same`}` }
}

function digest(value: Uint8Array): string {
  return createHash('sha1').update(value).digest('base64')
}
