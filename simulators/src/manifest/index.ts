export * from './manifest.ts'
export * from './reader.ts'
export * from './writer.ts'
