/** For `millrace setup`: makes the topics that are missing, with the partitions and copies that the brokers give by default. */
import { MillraceError } from '@millrace/platform'
import type { Admin } from 'kafkajs'
import type { KafkaSinkConfig } from './config.ts'
import { detailOf, nameOf, openKafka } from './connection.ts'

/** @throws MillraceError STORE_SETUP */
export async function setUpKafkaSink(config: KafkaSinkConfig, say: (text: string) => void): Promise<void> {
  const wanted = Object.values(config.topics).filter((topic) => topic !== undefined)
  let admin: Admin | undefined
  try {
    admin = (await openKafka(config)).admin()
    await admin.connect()
    const present = await admin.listTopics()
    const missing = wanted.filter((topic) => !present.includes(topic))
    const asDefault = { numPartitions: -1, replicationFactor: -1 }
    if (missing.length > 0)
      await admin.createTopics({ topics: missing.map((topic) => ({ topic, ...asDefault })), waitForLeaders: true })
    const { topics } = await admin.fetchTopicMetadata({ topics: wanted })
    for (const { name, partitions } of topics)
      say(`topic ${name} with ${partitions.length} partitions ${missing.includes(name) ? 'is made' : 'is there'}`)
  } catch (cause) {
    throw new MillraceError('STORE_SETUP', { path: nameOf(config), detail: detailOf(cause) }, cause)
  } finally {
    await admin?.disconnect().catch(() => {})
  }
}
