/**
 * A disk of one machine holding a journal of frames, each a transaction. A frame is *written*, then *synced*; a power cut
 * keeps every synced frame and an arbitrary beginning of the others (the frame after it is torn, which its checksum shows).
 * Every operation may kill its process before or after it took place, or fail with EIO or ENOSPC.
 */
import type { MillraceError } from '@millrace/platform'
import type { Random } from './random.ts'
import type { Process, World } from './world.ts'

export interface DiskFaults {
  /** Chance that an operation kills the process, before or after it took place. */
  crash: number
  /** Chance that it fails. */
  error: number
}

export interface Disk<Frame> {
  /** Frames that survived, in order. */
  frames(): readonly Frame[]
  /** Frames that are synced now. */
  synced(): readonly Frame[]
  /** Takes the journal over for a process; `crash` is called when an operation kills it. */
  open(process: Process, crash: () => void): DiskHandle<Frame>
  /** The power fails, or the process is killed: frames that were not synced may go. */
  cut(): void
  setFaults(faults: DiskFaults): void
  /** Operations that crashed a process or failed. */
  readonly struck: { crash: number; error: number; torn: number }
}

export interface DiskHandle<Frame> {
  /** Resolves when the frame is durable. @throws the error made by `failure` when the disk fails; the frame is then not there. */
  commit(frame: Frame, failure: () => MillraceError): Promise<void>
}

export interface DiskOptions {
  /** False plants a bug: `commit` resolves without the sync. */
  syncs: boolean
  /** True plants a lying disk: at a power cut the last synced frames go too. */
  lies: boolean
}

export function createDisk<Frame>(
  world: World,
  random: Random,
  options: DiskOptions = { syncs: true, lies: false },
): Disk<Frame> {
  let synced: Frame[] = []
  let written: Frame[] = []
  let faults: DiskFaults = { crash: 0, error: 0 }
  const struck = { crash: 0, error: 0, torn: 0 }
  const chance = (p: number) => p > 0 && random.next() < p

  return {
    struck,
    frames: () => [...synced, ...written],
    synced: () => synced,
    setFaults(next) {
      faults = next
    },
    cut() {
      if (written.length > 0) {
        struck.torn++
        synced = [...synced, ...written.slice(0, random.below(written.length + 1))]
      }
      if (options.lies) synced = synced.slice(0, Math.max(1, synced.length - random.below(20)))
      written = []
    },
    open(process, crash) {
      const step = (ms: number) => new Promise<void>((resolve) => world.at(ms, () => process.deliver(resolve)))
      const maybeCrash = () => {
        if (!chance(faults.crash)) return
        struck.crash++
        crash()
      }
      return {
        async commit(frame, failure) {
          maybeCrash()
          await step(0.05 + random.next())
          if (!process.isAlive) return new Promise(() => {})
          if (chance(faults.error)) {
            struck.error++
            throw failure()
          }
          written.push(frame)
          maybeCrash()
          if (options.syncs) {
            await step(0.2 + 4 * random.next())
            if (!process.isAlive) return new Promise(() => {})
            synced.push(...written)
            written = []
            maybeCrash()
          }
          if (!process.isAlive) return new Promise(() => {})
        },
      }
    },
  }
}
