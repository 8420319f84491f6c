/** What the real stages make of a life, in memory: partition after partition, each record once. */
import { partitionOf } from '@millrace/cloud-processor/log'
import { createPrepareStage, prepareSchema } from '@millrace/cloud-processor/prepare'
import { createRulesStage, ruleFileSchema } from '@millrace/cloud-processor/rules'
import type { Stage } from '@millrace/cloud-processor/stage'
import { encodeRaw, type Topic, topics } from '@millrace/contract'
import { type Life, lifePrepare, lifeRules } from './life.ts'

export interface Output {
  topic: Topic
  /** Null: in every partition. */
  key: string | null
  value: Uint8Array
}

export const prepareLife = (partitions: number) => createPrepareStage(prepareSchema.parse(lifePrepare), partitions)
export const ruleLife = () => createRulesStage(ruleFileSchema.parse(lifeRules))

export function outputsOf(life: Life, partitions: number): Output[] {
  const raw = life.records.map(({ key, raw }): Output => ({ topic: topics.raw, key: key ?? null, value: encodeRaw(raw) }))
  const prepared = run(prepareLife(partitions), raw, partitions)
  const timeline = prepared.filter(({ topic }) => topic === topics.timeline)
  return [...prepared, ...run(ruleLife(), timeline, partitions)]
}

function run<State>(stage: Stage<State>, inputs: Output[], partitions: number): Output[] {
  const outputs: Output[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const state = stage.initial(partition)
    for (const [offset, { key, value }] of inputs.entries()) {
      if (key !== null && partitionOf(key, partitions) !== partition) continue
      stage.step(state, { offset, key: key ?? '', value, timeMs: 0 }, (topic, key, value) => outputs.push({ topic, key, value }))
    }
  }
  return outputs
}
