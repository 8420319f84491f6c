/**
 * How busy others keep the machine while a run of the distributed installation is running. Its limits in wall time are meant
 * for a machine of our own; on a shared one they are stretched by as much as work takes longer there, and it is said.
 */
import { contention } from '../../support/contention.ts'

export interface Busy {
  /** 1 on a machine of our own: the measurement nearest to that time. */
  at(ms: number): number
  stop(): void
}

const everyMs = 5000

export async function watchBusy(): Promise<Busy> {
  const measured = [{ atMs: Date.now(), factor: await contention() }]
  const timer = setInterval(() => {
    contention().then(
      (factor) => measured.push({ atMs: Date.now(), factor }),
      () => {},
    )
  }, everyMs)
  return {
    at(ms) {
      const distance = ({ atMs }: { atMs: number }) => Math.abs(atMs - ms)
      return measured.reduce((nearest, one) => (distance(one) < distance(nearest) ? one : nearest)).factor
    },
    stop: () => clearInterval(timer),
  }
}
