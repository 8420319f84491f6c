/** Starts our processes for a test program: each with a configuration file and a log of its own in the program's folder. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import type { Program } from './program.ts'
import { type RealProcess, realProcess } from './real-process.ts'

export type StartService = (name: string, specifier: string, config: object, readyWhen: RegExp) => RealProcess

/** What it returns is not started yet; it is stopped at the end of the program, and fails it when it ends by itself. */
export function serviceIn({ dir, check, atEnd }: Pick<Program, 'dir' | 'check' | 'atEnd'>): StartService {
  return (name, specifier, config, readyWhen) => {
    const file = join(dir, `${name}.yaml`)
    writeFileSync(file, stringify(config))
    const service = realProcess({
      name,
      command: process.execPath,
      args: [fileURLToPath(import.meta.resolve(specifier)), 'run', '--config', file],
      readyWhen,
      logFile: join(dir, `${name}.log`),
      onUnexpectedEnd: (how) => check(false, `${name} ended by itself: ${how}`),
    })
    atEnd(() => service.stop())
    return service
  }
}
