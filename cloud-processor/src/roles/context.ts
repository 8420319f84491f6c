/** What a processor needs besides its configuration. All of it is passed in, so that a simulation can own it. */
import type { Bridge, Transport } from '../bridge/index.ts'
import type { ProcessorConfig } from '../config.ts'
import type { Members, TakenPlace } from '../members/index.ts'
import type { AnnouncedRules } from '../rules/index.ts'
import type { Sink } from '../sinks/index.ts'
import type { Progress, StageContext } from '../stage/index.ts'
import type { Store } from '../stores/index.ts'
import type { Parts } from './parts.ts'

export interface ProcessorContext extends StageContext {
  /** Name of this run among the processors on one log; each start has another. */
  id: string
  /** Its data folder, if it is locked. */
  taken?: TakenPlace | undefined
  /** Absent where no role of this process needs it. */
  store?: Store | undefined
  /** Those of the stages of this process. */
  sinks?: NamedSink[]
  /** Connects to the broker. @param instance tells several bridges on one log apart */
  connect(instance?: string): Transport
  /** File of the notifier's outbox. */
  outboxPath: string
  announced: AnnouncedRules
  /** Size of the log on this machine's disk; 0 when it is elsewhere. */
  logBytes(): number
}

export interface NamedSink {
  /** Of its role, and the beginning of the names under which its positions are kept. */
  name: string
  /** Processes that have it share the sink's partitions. */
  stage: ProcessorConfig['stages'][number]
  sink: Sink
}

/** What every role can have; each names what it takes. */
export interface RoleContext extends ProcessorContext {
  config: ProcessorConfig
  parts: Parts
  members: Members
  /** Age of what the rules have not yet seen. */
  lagMs(): number
}

export type Needs<Name extends keyof RoleContext> = Pick<RoleContext, Name | keyof StageContext>

export interface RunningBridge {
  bridge: Bridge
  transport: Transport
}

/** What runs as long as the process does, on no share of a partition. */
export interface Service {
  progress(): Progress[]
  stop(): Promise<void>
}
