/** What `millrace up` may be told. */
export interface UpOptions {
  data: string
  /** Name or path of a scenario; the ward story when absent. */
  scenario?: string
  port: number
  /** Notifications are posted there. */
  webhook?: string
  /** Of the simulator: device time over real time, or `max`. It then runs once, and is not started again at its end. */
  speed?: string
  /** Instead of the ward's. */
  rules?: unknown[]
  /** More of the agent's configuration. */
  agent?: Record<string, unknown>
  /** More of each processor's configuration, such as engines that run elsewhere. */
  processor?: Record<string, unknown>
  /** Processors that share the log; the first serves the page. */
  processors?: number
  /** What each of them does; by default everything, the page apart. */
  stages?: string[][]
  /** Mosquitto's program, instead of our broker. */
  mosquitto?: string
  /** A process of the installation was sent SIGINT or SIGTERM by its user: it is not started again. Absent: it is. */
  onAsked?: () => void
  /** Names of what is not ready yet, at the start and after each change. */
  onWaiting?: (names: string[]) => void
}
