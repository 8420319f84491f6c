/** Makes the processes of an installation: their files under one folder, their lines to the ear, their end seen to. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { type ProcessSpec, type RealProcess, realProcess } from '../../support/real-process.ts'
import { type Bug, plant } from './bugs.ts'

export interface Workshop {
  path(name: string): string
  makeFolder(name: string): void
  /** A configuration file, for this user's eyes only. */
  write(name: string, config: object): string
  /** Not started yet. */
  start(name: string, spec: Omit<ProcessSpec, 'name' | 'logFile' | 'onUnexpectedEnd'>): RealProcess
  /** One of our programs, with the planted bug where it is the one that gets it. */
  node(specifier: string, args: string[], readyWhen: RegExp): Pick<ProcessSpec, 'command' | 'args' | 'readyWhen'>
}

export function openWorkshop(
  dir: string,
  bug: Bug | undefined,
  context: { atEnd(end: () => unknown): void; unexpectedEnd(name: string, how: string): void },
): Workshop {
  const path = (name: string) => join(dir, name)
  return {
    path,
    makeFolder: (name) => void mkdirSync(path(name)),
    write(name, config) {
      writeFileSync(path(name), stringify(config), { mode: 0o600 })
      return path(name)
    },
    start(name, spec) {
      const onUnexpectedEnd = (how: string) => context.unexpectedEnd(name, how)
      const one = realProcess({ name, logFile: path(`logs/${name}.log`), onUnexpectedEnd, ...spec })
      context.atEnd(() => one.stop())
      return one
    },
    node: (specifier, args, readyWhen) => ({
      command: process.execPath,
      args: [...plant(specifier, bug), fileURLToPath(import.meta.resolve(specifier)), ...args],
      readyWhen,
    }),
  }
}
