/** What is remembered about clocks: the time of the partition, what is wrong with it, and the clocks of gateways. See ../time. */

/** Of a partition's time, what is needed beside the newest tick. */
export interface PartitionTime {
  run?: string
  elapsedMs?: number
  /** Time by which readings expire. It takes a jump an hour a tick, which leaves time to notice before anything expires by it. */
  expireMs: number
  /** Ticks of another run in a row that were behind. */
  behind: number
  /** What the clock may have been set by. */
  shiftMs: number
  /** A pause may be in `shiftMs`: two runs have no monotonic time in common. */
  hasPause?: boolean
  /** Ticks since the last change, or since a gateway went by the time before it. */
  quietTicks: number
  /** Since the last tick a gateway went by the time before. */
  isDisputed?: boolean
}

/** What is wrong, and was told. */
export interface WrongClocks {
  /** Ticks since the processor's clock last jumped, was set or was in doubt; absent while nothing was told. */
  jumpTicks?: number
  /** Readings rejected for their time since it was told last, and ticks since the last of them. */
  rejected: number
  rejectedTicks?: number
}

export interface GatewayClock {
  /** Gateway's clock less the processor's, and since when it has been that. */
  offMs: number
  sinceMs: number
  /** The difference that was told last. */
  toldMs?: number
  /** It was told that readings are corrected. */
  isCorrected?: boolean
}

export const initialTime = (): PartitionTime => ({ expireMs: 0, behind: 0, shiftMs: 0, quietTicks: 0 })
export const initialWrong = (): WrongClocks => ({ rejected: 0 })
