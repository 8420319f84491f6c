/** `child.ts <subject> write|check <folder> <seed>`: what is said goes out a JSON line each; `check` reads what was said before. */
import { readFileSync, writeSync } from 'node:fs'
import { subjects } from './index.ts'
import type { Said } from './subject.ts'

const [name, what, folder, seed] = process.argv.slice(2)
const subject = subjects[name!]!

if (what === 'write') await subject.write(folder!, Number(seed), put)
else {
  const said = readFileSync(0, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Said)
  put(await subject.check(folder!, Number(seed), said))
  process.exit(0)
}

/** At once: what is still in this process when it is frozen was not said. */
function put(line: unknown): void {
  let bytes = Buffer.from(`${JSON.stringify(line)}\n`)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}
