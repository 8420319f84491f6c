/** `millrace verify` and `millrace replay check`, as a person runs them. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { closingLine, type Verdict } from 'millrace'
import { verifySays } from '../bugs.ts'
import type { Installation } from '../installation.ts'

const main = fileURLToPath(new URL('../../../../cli/src/main.ts', import.meta.url))

/** Stored ⊆ produced, and what is missing is accounted for: what was read by the ledger, the rest under recorded gaps. */
export function runVerify({ api, manifest }: Installation): Promise<Verdict> {
  return run(['verify', manifest, '--url', api.url])
}

export function sayVerdict(verdict: Verdict): string {
  const wrong = verdict.devices.flatMap(({ device, wrong }) => wrong.map((text) => `${device}: ${text}`))
  const first = verdict.channels.find(({ first }) => first !== undefined)
  if (first) wrong.push(`${first.device}/${first.channel}: ${first.first}`)
  return [`${verifySays}${closingLine(verdict)}`, ...verdict.open, ...wrong.slice(0, 3)].join('; ')
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
