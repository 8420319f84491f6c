export { grafanaFiles } from './files.ts'
export { type StoreDialect, sourceDefaults } from './sources.ts'
