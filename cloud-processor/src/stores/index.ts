/** The stores of readings. Adding one is one line here; see store.ts. */
import { z } from 'zod'
import { schemasOf } from '../kinds/index.ts'
import { embedded } from './embedded/plugin.ts'
import { influxdb } from './influxdb/plugin.ts'

export { type EmbeddedStoreConfig, type EmbeddedStoreOptions, embeddedStoreSchema } from './embedded/config.ts'
export { type EmbeddedStore, openEmbeddedStore } from './embedded/embedded.ts'
export { type InfluxStoreConfig, type InfluxStoreOptions, influxStoreSchema } from './influxdb/config.ts'
export { openInfluxStore } from './influxdb/influxdb.ts'
export { setUpInfluxStore } from './influxdb/setup.ts'
export * from './store.ts'

/** The first is the default. */
export const stores = [embedded, influxdb] as const
export const storeSchema = z.discriminatedUnion('kind', schemasOf(stores))
