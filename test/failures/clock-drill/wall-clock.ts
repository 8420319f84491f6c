/** A wall clock that a test sets, for one process: libfaketime, which leaves the monotonic clock alone. */
import { globSync, renameSync, writeFileSync } from 'node:fs'
import { CannotRun } from '../../support/program.ts'

export interface WallClock {
  /** Put before a command: it then goes by this clock. */
  command: string[]
  /** By how much it is wrong from now on, restarts included. */
  set(wrongByMs: number): void
}

const places = ['/usr/lib/*/faketime/libfaketimeMT.so.1', '/usr/lib*/faketime/libfaketimeMT.so.1']

/** @param rate of both clocks, as a crystal that drifts; 1: only the wall clock is wrong. @throws CannotRun where there is no libfaketime */
export function wallClock(file: string, rate = 1): WallClock {
  const library = places.flatMap((place) => globSync(place))[0]
  if (library === undefined) throw new CannotRun('libfaketime is missing (Debian: apt-get install faketime)')
  const set = (wrongByMs: number) => {
    const seconds = Math.round(wrongByMs / 1000)
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}${rate === 1 ? '' : ` x${rate}`}\n`)
    renameSync(`${file}.new`, file)
  }
  set(0)
  const settings = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: rate === 1 ? '1' : '0',
    NO_FAKE_STAT: '1',
  }
  return { command: ['env', ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)], set }
}
