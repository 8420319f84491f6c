/**
 * A kind of engine (log, store, sink) is a folder with its interface, `conformance.ts` and `index.ts`, which lists its plug-ins. The
 * configuration, `setup`, the reference and the composition derive from that list: nothing else names a plug-in.
 */
import type { Clock, Log as Logger, Metrics } from '@millrace/platform'
import type { z } from 'zod'

/** What a plug-in is opened with besides its configuration. */
export interface PluginContext {
  /** Folder for the files of this process. */
  dataDir: string
  clock: Clock
  logger: Logger
  metrics: Metrics
}

export interface Plugin<Engine, Schema extends z.ZodObject = z.ZodObject> {
  kind: string
  /** Has the key `kind`, a literal with a description. That of the first plug-in of a list may be left out by the user: it is the default. */
  schema: Schema
  open(config: z.output<Schema>, context: PluginContext): Promise<Engine>
  /** Of a store: days that it keeps readings; 0 is without limit. Absent: nobody knows. */
  keptDays?(config: z.output<Schema>): number
  /** Makes in the engine what the processor writes into, as often as it is called; says what it made or found. Absent: there is nothing to make. */
  setUp?(config: z.output<Schema>, context: PluginContext, say: (text: string) => void): Promise<void>
}

type Schemas<Plugins extends readonly { schema: z.ZodObject }[]> = { [Index in keyof Plugins]: Plugins[Index]['schema'] }

/** For `z.discriminatedUnion('kind', ...)`. */
export function schemasOf<const Plugins extends readonly { schema: z.ZodObject }[]>(plugins: Plugins): Schemas<Plugins> {
  return plugins.map(({ schema }) => schema) as Schemas<Plugins>
}

/** The plug-in for a configuration that one of these schemas has checked. */
export function pluginFor<One extends { kind: string }>(
  plugins: readonly [One, ...One[]],
  { kind }: { kind?: string | undefined },
): One {
  return plugins.find((plugin) => plugin.kind === kind) ?? plugins[0]
}

/** A configuration as a plug-in's own functions take it. */
export function withoutKind<Config extends { kind?: string | undefined }>({ kind: _, ...rest }: Config): Omit<Config, 'kind'> {
  return rest
}
