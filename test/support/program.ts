/**
 * The frame of a test program: a temporary folder, things to end at its end in reverse order, and the exit code: 0 it held,
 * 77 it could not run here, 1 it did not hold.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { heldUp, watchMachine } from './held-up.ts'

export interface Program {
  /** Removed at the end, unless a check failed or `keep` was called. */
  dir: string
  keep(): void
  /** Called at the end, the last one first. */
  atEnd(end: () => Promise<unknown> | unknown): void
  /** Says what was found; false makes the program fail, which goes on to say the rest. */
  check(isSo: boolean, what: string): void
  say(text: string): void
}

/** Ends the program with 77. */
export class CannotRun extends Error {}

export async function program(name: string, run: (program: Program) => Promise<void>): Promise<never> {
  const dir = mkdtempSync(join(tmpdir(), `millrace-${name}-`))
  const ends: (() => Promise<unknown> | unknown)[] = []
  const startedMs = performance.now()
  const say = (text: string) => console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(7)} s  ${text}`)
  let code = 0
  let isKept = false
  const keep = () => {
    isKept = true
  }
  const check = (isSo: boolean, what: string) => {
    say(`${isSo ? 'holds ' : 'FAILED'}  ${what}`)
    if (!isSo) code = 1
  }
  const finish = async () => {
    for (const end of ends.splice(0).reverse()) await Promise.resolve(end()).catch((error) => say(`at the end: ${error}`))
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void finish().then(() => process.exit(130)))
  watchMachine()
  try {
    await run({ dir, keep, check, say, atEnd: (end) => void ends.push(end) })
    for (const what of await heldUp()) check(false, what)
  } catch (error) {
    if (error instanceof CannotRun) {
      code = 77
      say(`cannot run here: ${error.message}`)
    } else {
      code = 1
      say(`FAILED  ${error instanceof Error ? error.stack : error}`)
    }
  }
  await finish()
  if (code === 1 || isKept) say(`data and logs are kept in ${dir}`)
  else rmSync(dir, { recursive: true, force: true })
  process.exit(code)
}
