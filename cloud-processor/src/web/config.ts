import { basicCredentialSchema, httpsSchema } from '@millrace/platform'
import { z } from 'zod'

export const webConfig = z
  .strictObject({
    host: z.string().default('127.0.0.1').describe('Address to listen on. Off loopback, tls and credential are required.'),
    port: z.int().min(0).max(65535).default(8080).describe('Port to listen on; 0 takes a free one.'),
    hosts: z.array(z.string()).default([]).describe('Further names that people open the page by, as `name` or `name:port`.'),
    tls: httpsSchema,
    credential: basicCredentialSchema('Of the person who may see the page.').describe(
      'One name and password (HTTP Basic) with the role admin, for programs, or for everybody.',
    ),
    login: z
      .enum(['auto', 'required'])
      .default('auto')
      .describe(
        '`required`: everybody logs in, with an account (`millrace user`) or as `credential`; the first start prints a link that makes the admin. `auto`: the same once there is an account or a credential; until then, on loopback alone, everybody on this machine is admin.',
      ),
    viewersMax: z.int().min(1).default(32).describe('Live connections at a time; one more is refused.'),
    viewerBytesMax: z
      .int()
      .min(16_384)
      .default(524_288)
      .describe(
        'Unsent bytes of one live connection. From a quarter on it gets no waveforms; at the limit nothing until it caught up.',
      ),
    viewerStalledMs: z.int().min(1000).default(30_000).describe('A live connection that takes nothing for this long is closed.'),
    flushMs: z.int().min(20).max(1000).default(100).describe('Live values are gathered this long into one event.'),
    staleAfterMs: z
      .int()
      .min(500)
      .default(5000)
      .describe(
        'A device that is online but sends nothing for this long is stale, and a value of this age is not called live. With filters at the edge: more than their heartbeat.',
      ),
    devicesMax: z
      .int()
      .min(1)
      .default(2000)
      .describe(
        'Devices kept in the live view, each node’s in equal shares, who speaks before who is silent; further ones are in the store only.',
      ),
    alarmsMax: z
      .int()
      .min(10)
      .default(500)
      .describe('Alarms kept in the live view. Settled ones go first, then those of the node that has most.'),
    limitMsMax: z
      .int()
      .min(60_000)
      .max(31 * 86_400_000)
      .default(28_800_000)
      .describe('Longest time for which an operator may set another limit of a rule; an engineer may for longer, and for good.'),
    pointsMax: z.int().min(100).default(5000).describe('Points in one answer.'),
    samplesMax: z.int().min(1000).default(200_000).describe('Waveform samples in one answer.'),
  })
  .prefault({})

export type WebConfig = z.infer<typeof webConfig>
