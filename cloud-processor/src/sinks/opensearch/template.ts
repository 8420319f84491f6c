/**
 * The index template of each kind. `dynamic: false`: what a later version adds to a record is kept and not searchable until its
 * template comes; it cannot make a mapping conflict, nor fields without end.
 */

import type { OpenSearchConfig } from './config.ts'
import { periodName } from './period.ts'
import { type Field, type FieldType, type Kind, kinds, schemaVersion } from './schema.ts'

type Json = Record<string, unknown>

const mappings: Record<FieldType, Json> = {
  // A longer text is kept and not searched: Lucene takes no term above 32,766 bytes.
  keyword: { type: 'keyword', ignore_above: 1024 },
  text: { type: 'text' },
  date: { type: 'date', format: 'epoch_millis||strict_date_optional_time' },
  long: { type: 'long' },
  double: { type: 'double' },
  boolean: { type: 'boolean' },
  bytes: { type: 'binary' },
}

export function templateName(config: OpenSearchConfig, kind: Kind): string {
  return `${config.indexPrefix}${kind}`
}

export function indexPattern(config: Pick<OpenSearchConfig, 'indexPrefix'>, kind: Kind): string {
  return `${config.indexPrefix}${kind}-*`
}

/** @param policy name of the life cycle policy of an Elasticsearch that has them. */
export function templateOf(config: OpenSearchConfig, kind: Kind, policy?: string): Json {
  return {
    index_patterns: [indexPattern(config, kind)],
    priority: 500,
    version: schemaVersion,
    _meta: { description: `Millrace: ${kinds[kind].about}` },
    template: {
      settings: {
        number_of_shards: config.numberOfShards,
        auto_expand_replicas: `0-${config.numberOfReplicas}`,
        // Acknowledged only when it is on the disk.
        'translog.durability': 'request',
        'mapping.total_fields.limit': 200,
        ...(policy === undefined ? {} : { 'lifecycle.name': policy }),
      },
      mappings: mappingOf(kind),
      // One name for all periods.
      aliases: { [`${config.indexPrefix}${kind}`]: {} },
    },
  }
}

/** Fields named `a.b` become fields of an object `a`. */
export function mappingOf(kind: Kind): Json {
  const properties: Record<string, Json> = {}
  for (const [name, { type }] of Object.entries<Field>(kinds[kind].fields)) {
    const [outer, inner] = name.split('.') as [string, string?]
    if (inner === undefined) properties[outer] = mappings[type]
    else {
      properties[outer] ??= { properties: {} }
      Object.assign(properties[outer].properties as Json, { [inner]: mappings[type] })
    }
  }
  return { dynamic: false, _meta: { millrace: schemaVersion }, properties }
}

export function presentIndex(config: OpenSearchConfig, kind: Kind, nowMs: number): string {
  return `${config.indexPrefix}${kind}-${periodName(config.period, nowMs)}`
}
