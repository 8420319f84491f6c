/** `millrace rules check`: every fault of a rule file, and what is allowed and hardly meant, with their lines. */
import { ruleFileSchema } from '@millrace/cloud-processor/rules'
import type { z } from 'zod'
import { faultsIn, readSource, type Source } from './source.ts'

type RuleFile = z.infer<typeof ruleFileSchema>

export interface Checked {
  faults: string[]
  warnings: string[]
  /** Undefined where there are faults. */
  rules?: RuleFile
}

/** A rule file, or a processor's configuration that has one under `rules`. */
export function checkRules(path: string): Checked {
  const source = readSource(path)
  const { rules } = source.value as { rules?: unknown }
  const prefix = rules !== undefined && !Array.isArray(rules) ? ['rules'] : []
  const parsed = ruleFileSchema.safeParse(prefix.length > 0 ? rules : source.value)
  if (!parsed.success) return { faults: faultsIn(source, parsed.error.issues, prefix), warnings: [] }
  return { faults: [], warnings: warningsOf(parsed.data, source, prefix), rules: parsed.data }
}

function warningsOf({ rules, staleMs }: RuleFile, { at }: Source, prefix: string[]): string[] {
  return rules.flatMap((rule, index) => {
    const path = [...prefix, 'rules', index]
    const { delayOnMs = 0 } = rule as { delayOnMs?: number }
    const unreached = rule.overrides.findIndex((one, k) => rule.overrides.slice(0, k).some((before) => isWithin(one, before)))
    return [
      rule.devices.length === 0 && `${at([...path, 'devices'])}: ${rule.name} watches no device`,
      delayOnMs > staleMs &&
        `${at([...path, 'delayOnMs'])}: ${rule.name}: a pause of more than staleMs (${staleMs}) within delayOnMs (${delayOnMs}) puts the alarm off`,
      unreached > 0 &&
        `${at([...path, 'overrides', unreached])}: ${rule.name}: override ${unreached + 1} is never reached: an entry before it matches first`,
    ].filter((one) => one !== false)
  })
}

type Scope = Pick<RuleFile['rules'][number]['overrides'][number], 'devices' | 'subjects'>

/** Whether an entry before matches wherever this one does, as far as their patterns are the same. */
function isWithin(one: Scope, before: Scope): boolean {
  return (['devices', 'subjects'] as const).every((of) => {
    const all = before[of].length === 0 || before[of].includes('*')
    return all || (one[of].length > 0 && one[of].every((pattern) => before[of].includes(pattern)))
  })
}
