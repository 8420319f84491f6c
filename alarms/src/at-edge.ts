/** What of a rule file a gateway can judge as the cloud does: what it measures itself, of devices. */
import { conditionOf } from './conditions/index.ts'
import type { Rule } from './rule.ts'
import type { RuleFile } from './rule-file.ts'

export interface AtEdge {
  /** With the rules that a gateway judges. */
  file: RuleFile
  /** The others, each with why. */
  left: { rule: string; why: string }[]
}

export function atEdge(file: RuleFile): AtEdge {
  const left = file.rules.flatMap((rule) => {
    const why = needsCloud(rule)
    return why === undefined ? [] : [{ rule: rule.name, why }]
  })
  return { file: { ...file, rules: file.rules.filter((rule) => needsCloud(rule) === undefined) }, left }
}

function needsCloud(rule: Rule): string | undefined {
  if (conditionOf(rule).watches === 'subject') return 'it is about a subject, whose devices may be on several gateways'
  const isForSubjects = rule.overrides.some(({ subjects }) => subjects.length > 0)
  return isForSubjects ? 'it has overrides for subjects, and a gateway does not know what its devices measure' : undefined
}
