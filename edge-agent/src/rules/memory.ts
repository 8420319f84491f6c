/**
 * What the rules know, as it is kept in the outbox: committed with the readings that it was made of, so that after a kill both are there or
 * neither is. JSON, format 1:
 *
 *     { "f": 1, "engine": <state of the alarm engine>, "untold": [{ "key", "alarm", "to": [<receiver>, ..] }, ..] }
 */
import { isDeepStrictEqual } from 'node:util'
import { createEngine, decodeEngine, type EngineState, encodeEngine, type RuleFile, step } from '@millrace/alarms'
import type { AlarmRecord } from '@millrace/contract'
import { type Log, MillraceError } from '@millrace/platform'
import type { Message } from './notifiers/index.ts'

/** A message and the receivers that do not have it yet. */
export interface Untold extends Message {
  to: string[]
}

export interface Memory {
  engine: EngineState
  untold: Untold[]
}

export function encodeMemory({ engine, untold }: Memory): string {
  return `{"f":1,"engine":${Buffer.from(encodeEngine(engine))},"untold":${JSON.stringify(untold)}}`
}

/** What cannot be read is begun again: rules that do not run would be worse. */
export function decodeMemory(text: string | undefined, file: RuleFile, log: Log): Memory {
  const fresh = { engine: createEngine(file), untold: [] }
  if (text === undefined) return fresh
  try {
    const { f, engine, untold } = JSON.parse(text)
    if (f !== 1) throw new MillraceError('ALARMS_STATE_NEWER', { found: `${f}`, known: 1 })
    return { engine: decodeEngine(Buffer.from(JSON.stringify(engine))), untold }
  } catch (error) {
    log.error('what the rules knew cannot be read: they begin again', { error })
    return fresh
  }
}

/** Other rules act from now on: alarms of those that are gone end. */
export function takeRules(engine: EngineState, file: RuleFile, atMs: number): AlarmRecord[] {
  if (isDeepStrictEqual(engine.file, file)) return []
  return step(engine, { f: 1, k: 'control', control: { type: 'rules', by: 'configuration', rules: file }, atMs })
}
