import { type At, type Fetched, type KafkaClient, KafkaFailure, type Purpose } from './client.ts'

export interface FromLeader extends At {
  from: number
  bytesMax: number
  purpose: Purpose
  waitMs: number
}

/** One partition from its leader. @throws KafkaFailure, what the leader says is wrong with the partition among them; but for OFFSET_OUT_OF_RANGE, which is an answer */
export async function fetchFromLeader(client: KafkaClient, { purpose, waitMs, ...want }: FromLeader): Promise<Fetched> {
  const node = client.leader(want)
  if (node === undefined) throw new KafkaFailure('LEADER_NOT_AVAILABLE', true)
  const [answer] = await client.fetch(node, purpose, [want], waitMs)
  if (!answer) throw new KafkaFailure('UNKNOWN_TOPIC_OR_PARTITION', true)
  if (answer.error && answer.error.name !== 'OFFSET_OUT_OF_RANGE') throw answer.error
  return answer
}
