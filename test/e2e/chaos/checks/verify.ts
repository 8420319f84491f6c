/** `millrace verify`, as a person runs it: stored ⊆ produced, and what is missing lies under recorded gaps. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Verdict } from 'millrace'
import type { Installation } from '../installation.ts'

const main = fileURLToPath(new URL('../../../../cli/src/main.ts', import.meta.url))

export function runVerify({ api, manifest }: Installation): Promise<Verdict> {
  const args = [main, 'verify', manifest, '--url', api.url, '--json']
  return new Promise((resolve, reject) =>
    execFile(process.execPath, args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(`verify failed: ${stderr}`, { cause: error }))
      else resolve(JSON.parse(stdout))
    }),
  )
}
