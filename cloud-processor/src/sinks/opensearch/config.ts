/** Configuration of the document store: OpenSearch, or Elasticsearch. */
import { isClearText } from '@millrace/platform'
import { z } from 'zod'
import type { Kind } from './schema.ts'

const days = (kept: number, what: string) => z.int().nonnegative().default(kept).describe(what)

const retentionDaysSchema = z
  .strictObject({
    alarms: days(1830, 'Changes of alarms'),
    'alarm-states': days(1830, 'The newest state of each alarm, by the time it was raised'),
    notifications: days(400, 'Notifications'),
    events: days(400, 'Events, births and deaths, orders of people'),
    gaps: days(400, 'Gaps'),
    rejected: days(90, 'Rejected input'),
  } satisfies Record<Kind, z.ZodType>)
  .prefault({})

export const openSearchSchema = z
  .strictObject({
    kind: z.literal('opensearch').default('opensearch').describe('OpenSearch or Elasticsearch, which are spoken to alike'),
    nodes: z
      .array(z.url({ protocol: /^https?$/ }))
      .min(1)
      .default(['http://127.0.0.1:9200'])
      .describe('Addresses of the cluster’s nodes, or of what stands in front of them'),
    insecure: z
      .boolean()
      .default(false)
      .describe('Allows http:// to another machine: documents and passwords can be read on the way'),
    username: z.string().optional().describe('User; absent: none'),
    passwordFile: z
      .string()
      .optional()
      .describe('File whose first line is the password; read at every request, so that it can rotate'),
    apiKeyFile: z.string().optional().describe('Elasticsearch: file with an API key (base64), instead of a user'),
    caFile: z.string().optional().describe('PEM of the authority that signed the certificates of the nodes'),
    indexPrefix: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,80}$/)
      .default('millrace-')
      .describe('Beginning of the name of every index and template'),
    period: z
      .enum(['month', 'day'])
      .default('month')
      .describe('What one index holds. Changed later, a record that comes again may be there twice, in an index of each'),
    retentionDays: retentionDaysSchema.describe(
      'An index is deleted when all that it can hold is older than so many days, by the ticks of the timeline. 0: kept without limit',
    ),
    numberOfShards: z.int().min(1).max(1024).default(1).describe('Of each new index'),
    numberOfReplicas: z
      .int()
      .min(0)
      .max(20)
      .default(1)
      .describe(
        'Of each new index; one node alone keeps none and says yellow. Elasticsearch and OpenSearch adapt it by themselves',
      ),
    bulkBytesMax: z
      .int()
      .min(64 * 1024)
      .default(5 * 2 ** 20)
      .describe('Bytes in one request; a document that is larger is refused. Below what nodes and proxies take'),
    bulkDocumentsMax: z.int().min(1).default(1000).describe('Documents in one request'),
    rawBytesMax: z
      .int()
      .min(0)
      .default(32 * 1024)
      .describe('Of a rejected message so many bytes are kept, from its beginning; the log has it whole'),
    timeoutMs: z.int().min(100).default(30_000).describe('A request that has no answer after this long is tried again'),
  })
  .refine(({ nodes, insecure }) => insecure || !nodes.some(isClearText), {
    path: ['nodes'],
    message: 'http:// to another machine can be read on the way: use https://, or set insecure: true',
  })
export type OpenSearchConfig = z.infer<typeof openSearchSchema>
