/** For `millrace setup`: makes what the engine needs (tables, buckets, retention, roll-ups), as often as it is called. */
import { checkConfig, MillraceError } from '@millrace/platform'
import { type InfluxStoreOptions, influxStoreSchema } from './config.ts'
import { dialects } from './dialects/index.ts'
import { createEngine } from './engine.ts'

/** What it made or found, and what is left to a person; a sentence each. @throws MillraceError CONFIG_INVALID, STORE_INSECURE, STORE_SETUP */
export async function setUpInfluxStore(options: InfluxStoreOptions): Promise<string[]> {
  const config = checkConfig(influxStoreSchema, options, 'store')
  const engine = createEngine(config)
  try {
    return await dialects[config.dialect](engine).setUp()
  } catch (cause) {
    throw new MillraceError(
      'STORE_SETUP',
      { path: config.url, detail: cause instanceof Error ? cause.message : `${cause}` },
      cause,
    )
  } finally {
    engine.close()
  }
}
