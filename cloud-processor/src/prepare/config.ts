import { z } from 'zod'
import { analysesSchema } from './analyses/config.ts'
import { plainSchema } from './plain/config.ts'

const count = (value: number) => z.int().min(1).default(value)

export const prepareSchema = z.strictObject({
  futureMsMax: z
    .number()
    .int()
    .min(0)
    .default(3_600_000)
    .describe('A reading later than its arrival by more than this is rejected'),
  pastMsMin: z
    .number()
    .int()
    .default(Date.UTC(2000, 0, 1))
    .describe('A reading before this time (epoch ms) is rejected'),
  plain: z.array(plainSchema).default([]).describe('As `devices`, where they were written before; those of `devices` come first'),
  analyses: analysesSchema.describe(
    'Derived channels: what is computed of the channels of a device, under names of their own. See prepare/analyses/README.md',
  ),
  reorderMs: z
    .int()
    .min(0)
    .default(5000)
    .describe(
      'Nodes without receipts: how long a message waits for those before it by `seq`; then it is used and a rebirth asked for. Told by ticks, so up to 1 s more. 0: no waiting',
    ),
  rebirthEveryMs: z.int().min(1000).default(60_000).describe('A rebirth is asked of one node at most so often'),
  limits: z
    .strictObject({
      nodes: count(20_000).describe('Edge nodes known. A message of one more is rejected: PREPARE_LIMIT'),
      devicesPerNode: count(2_000).describe('Devices of one node. A message of one more is rejected: PREPARE_LIMIT'),
      plainDevices: count(20_000).describe(
        'Plain MQTT devices. At it those of an account (the topic up to the first wildcard of its filter) that has less than its share get it from as much again; records of one more are rejected: PREPARE_LIMIT',
      ),
      streamsPerNode: count(2_000).describe(
        'Streams of one agent that have not ended. A message of one more is rejected: PREPARE_LIMIT',
      ),
      channelsPerDevice: count(5_000).describe(
        'Channels of one device, every alias it ever had. More are left out: PREPARE_LIMIT',
      ),
      rangesPerStream: count(200_000).describe(
        'Stretches of numbers seen in one stream. A batch that makes one more is rejected: PREPARE_LIMIT',
      ),
      heldMessagesPerNode: z
        .int()
        .min(1)
        .max(127)
        .default(64)
        .describe('Messages that wait for one before them by `seq`. At it they are used as if `reorderMs` were over'),
      derivedLanes: count(1_000).describe(
        'Memories of analyses: one for each device, entry of `analyses` and lane (live, late). One more begins none: DERIVED_LIMIT',
      ),
      heldBytes: count(4 << 20).describe('All messages that so wait. At it those of the node that sends more are used at once'),
    })
    .prefault({})
    .describe('What a hostile node could make grow, in each raw partition'),
})
export type PrepareConfig = z.infer<typeof prepareSchema>
