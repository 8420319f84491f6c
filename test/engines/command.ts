/** Running a program to its end, and finding one. */
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface CommandOptions {
  cwd?: string
  env?: Record<string, string>
  withinMs?: number
}

/** Its standard output. @throws Error with the end of what it wrote. */
export function run(command: string, args: string[], options: CommandOptions = {}): Promise<string> {
  const { cwd, env, withinMs = 10 * 60_000 } = options
  return new Promise((resolve, reject) => {
    const how = { cwd, env: { ...process.env, ...env }, timeout: withinMs, maxBuffer: 2 ** 26 }
    execFile(command, args, how, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const why = error.killed ? `took more than ${withinMs / 1000} s` : lastLines(`${stdout}\n${stderr}`, 12) || error.message
      reject(new Error(`${command}: ${why}`, { cause: error }))
    })
  })
}

/** The path of a program on PATH, or where only root's PATH leads. */
export function onPath(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin']
  return folders.map((folder) => join(folder, program)).find(isExecutable)
}

/** @throws Error with the remedy. */
export function needs(program: string, remedy: string): string {
  const path = onPath(program)
  if (!path) throw new Error(`${program} is not on PATH. ${remedy}`)
  return path
}

export function lastLines(text: string, count: number): string {
  const lines = text.split('\n').map((line) => line.trimEnd())
  return lines
    .filter((line) => line !== '')
    .slice(-count)
    .join('\n')
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
