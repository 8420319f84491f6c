/**
 * Deletes indices whose whole period is older than its kind is kept for. Only names that Millrace itself gives are looked at. The
 * time is that of the timeline's ticks, which follow a wrong clock slowly: see prepare.
 */
import type { OpenSearchConfig } from './config.ts'
import { type Connection, reasonOf } from './connection.ts'
import { isExpired, parseIndex } from './period.ts'
import { kindNames } from './schema.ts'
import { indexPattern } from './template.ts'

/** Names of the indices that it deleted. Another writer may do the same at the same time. @throws Error when the cluster does not let it */
export async function deleteExpired(connection: Connection, config: OpenSearchConfig, nowMs: number): Promise<string[]> {
  const patterns = kindNames.map((kind) => indexPattern(config, kind)).join(',')
  const found = await connection.request('GET', `/${patterns}/_alias?allow_no_indices=true&expand_wildcards=open,closed`)
  if (found.status === 404) return []
  if (found.status !== 200) throw new Error(`cannot list ${patterns}: ${reasonOf(found)}`)
  const expired = Object.keys(found.body).filter((index) => {
    const parsed = parseIndex(config.indexPrefix, index)
    return parsed && isExpired(parsed.endMs, config.retentionDays[parsed.kind], nowMs)
  })
  for (const index of expired) {
    const answer = await connection.request('DELETE', `/${index}`)
    if (answer.status !== 200 && answer.status !== 404) throw new Error(`cannot delete ${index}: ${reasonOf(answer)}`)
  }
  return expired
}
