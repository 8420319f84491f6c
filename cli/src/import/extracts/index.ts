/** What an import reads rows from. Adding one is one line here; see extract.ts. */
import { csv } from './csv/csv.ts'
import type { Extract } from './extract.ts'
import { jsonLines } from './json-lines/json-lines.ts'
import { lineProtocol } from './line-protocol/line-protocol.ts'
import { parquet } from './parquet/parquet.ts'
import { wfdb } from './wfdb/wfdb.ts'

export type { Extract } from './extract.ts'

/** By kind. A plug-in's `read` wants what its own `schema` has parsed. */
export const extracts: Record<string, Extract> = Object.fromEntries(
  [csv, jsonLines, lineProtocol, parquet, wfdb].map((plugin) => [plugin.kind, plugin as unknown as Extract]),
)
