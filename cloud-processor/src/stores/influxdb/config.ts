/** Configuration of the store in InfluxDB and what speaks its write API. */
import { z } from 'zod'

const dialectNames = ['influxdb', 'victoriametrics', 'questdb'] as const

export const influxStoreSchema = z
  .strictObject({
    kind: z.literal('influxdb').default('influxdb'),
    dialect: z
      .enum(dialectNames)
      .default('influxdb')
      .describe('Which engine it is: all take the same writes, each is asked in its own way'),
    url: z
      .url({ protocol: /^https?$/ })
      .default('http://127.0.0.1:8086')
      .describe('Address of the engine'),
    org: z.string().default('millrace').describe('Organisation (InfluxDB)'),
    bucket: z.string().default('millrace').describe('Bucket (InfluxDB)'),
    token: z.string().optional().describe('API token, for tests; better in tokenFile'),
    tokenFile: z.string().optional().describe('File whose first line is the API token'),
    caFile: z.string().optional().describe('PEM of the authority that signed the engine’s certificate; absent: the system’s'),
    insecure: z
      .boolean()
      .default(false)
      .describe('Talks to an engine that is not on loopback without TLS: anybody on the way reads and changes everything'),
    retentionDays: z
      .int()
      .nonnegative()
      .default(400)
      .describe('Days that the engine keeps readings, as `millrace setup` makes it; older ones are rejected. 0: without limit'),
    rollUpDays: z
      .int()
      .nonnegative()
      .default(1830)
      .describe('Days that roll-ups of minutes are kept, where the engine makes them. 0: without limit'),
    batchLines: z.int().min(1).max(50_000).default(5000).describe('Points in one request, at most'),
    batchBytes: z
      .int()
      .min(1024)
      .default(1 << 20)
      .describe('and about so many bytes'),
    requestMs: z
      .int()
      .min(100)
      .default(10_000)
      .describe('A write without an answer for this long has failed, and is tried again'),
    questionMs: z.int().min(100).default(30_000).describe('A question without an answer for this long has failed'),
    bisectRequestsMax: z
      .int()
      .min(16)
      .default(400)
      .describe('Requests spent on finding the bad points of one batch; what is not told apart by then is rejected together'),
    totalsEveryMs: z.int().nonnegative().default(5000).describe('A device’s totals are written at most this often'),
    saveEveryMs: z.int().nonnegative().default(5000).describe('Position and counts are kept at most this often'),
    durableAfterMs: z
      .int()
      .nonnegative()
      .optional()
      .describe(
        'An acknowledged write survives a kill of the engine after this long; until then its records are read again. Absent: as the engine needs',
      ),
    pointsMax: z
      .int()
      .positive()
      .default(1_000_000)
      .describe('Most points, or waveform samples, that one question is answered with.'),
    flushBeforeReading: z
      .boolean()
      .default(false)
      .describe('A question waits until all that this process wrote can be seen: for verification, not for pages'),
  })
  .refine(({ token, tokenFile }) => token === undefined || tokenFile === undefined, {
    path: ['tokenFile'],
    error: 'give either token or tokenFile',
  })

export type InfluxStoreConfig = z.infer<typeof influxStoreSchema>
/** As a person writes it: every key may be left out. */
export type InfluxStoreOptions = z.input<typeof influxStoreSchema>
