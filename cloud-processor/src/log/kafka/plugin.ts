import { z } from 'zod'
import { withoutKind } from '../../kinds/index.ts'
import type { LogPlugin } from '../log.ts'
import { kafkaLogSchema } from './config.ts'
import { openKafkaLog } from './kafka.ts'

const schema = kafkaLogSchema.safeExtend({
  kind: z.literal('kafka').describe('Topics on Kafka, shared by several processors'),
})

export const kafka: LogPlugin<typeof schema> = {
  kind: 'kafka',
  schema,
  isShared: true,
  open: (config, { logger, metrics, clock }) => openKafkaLog(withoutKind(config), { log: logger, metrics, clock }),
  async setUp(config, context, say) {
    const opened = await this.open(config, context)
    say(`topics on Kafka with ${opened.partitions} partitions each, log id ${opened.id}`)
    await opened.close()
  },
}
