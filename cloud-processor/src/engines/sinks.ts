/** The sinks of a configuration: `documents`, and those below `sinks`. */
import type { ProcessorConfig } from '../config.ts'
import { pluginFor } from '../kinds/index.ts'
import { type SinkPlugin, sinks } from '../sinks/index.ts'

export interface ConfiguredSink {
  /** As people see it: of the configuration, and in what `setup` says. */
  key: string
  /** Of its role. */
  name: string
  stage: 'documents' | 'sinks'
  plugin: SinkPlugin
  own: Record<string, unknown>
}

export function sinksOf({ documents, sinks: named }: ProcessorConfig): ConfiguredSink[] {
  const older = documents ? [{ key: 'documents', name: 'documents', stage: 'documents' as const, own: documents }] : []
  const others = Object.entries(named).map(([name, own]) => ({
    key: `sinks.${name}`,
    name: `sink-${name}`,
    stage: 'sinks' as const,
    own,
  }))
  return [...older, ...others].map((each) => ({ ...each, plugin: pluginFor<SinkPlugin>(sinks, each.own) }))
}
