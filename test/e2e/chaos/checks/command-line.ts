/** `millrace verify` and `millrace replay check`, as a person runs them. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Verdict } from 'millrace'
import type { Installation } from '../installation.ts'

const main = fileURLToPath(new URL('../../../../cli/src/main.ts', import.meta.url))

/** Stored ⊆ produced, and what is missing lies under recorded gaps. */
export function runVerify({ api, manifest }: Installation): Promise<Verdict> {
  return run(['verify', manifest, '--url', api.url])
}

/** The same log gives the same result: the very records that the processes made through all the kills. */
export function runReplay({ api, dir }: Installation): Promise<{ isSame: boolean; text: string }> {
  return run(['replay', 'check', '--config', join(dir, 'processor.yaml'), '--url', api.url])
}

function run<T>(args: string[]): Promise<T> {
  return new Promise((resolve, reject) =>
    execFile(process.execPath, [main, ...args, '--json'], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(`millrace ${args[0]} failed: ${stderr}`, { cause: error }))
      else resolve(JSON.parse(stdout))
    }),
  )
}
