export { loadRules, rulesSchema, surprises } from './config.ts'
export { LocalRules, type LocalRulesContext } from './local-rules.ts'
export { pageOf } from './page.ts'
