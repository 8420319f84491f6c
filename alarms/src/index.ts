/** The rule engine: pure, without clock or I/O; the same function in the processor, in the agent and in a backtest. */
export { createEngine, decodeEngine, type EngineCounts, type EngineState, encodeEngine } from './engine.ts'
export { compileGlobs } from './glob.ts'
export { notificationKey } from './life-cycle.ts'
export { activeAlarms } from './list.ts'
export { ownRules, type Rule } from './rule.ts'
export { type RuleFile, ruleFileSchema } from './rule-file.ts'
export { step } from './step.ts'
