export { type EmbeddedStoreConfig, type EmbeddedStoreOptions, embeddedStoreSchema } from './embedded/config.ts'
export { type EmbeddedStore, openEmbeddedStore } from './embedded/embedded.ts'
export * from './store.ts'
