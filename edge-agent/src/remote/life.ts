import type { Agent } from '../agent.ts'

/** The agent between two restarts. */
export interface Life {
  agent: Agent
  stop(): Promise<void>
}
