/** `npm run docs`: writes docs/reference/ from the code. A test in test/tidy fails when it is not current. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArguments } from '@millrace/platform'
import { referencePages } from './pages.ts'

readArguments({ call: 'npm run docs --', purpose: 'Writes docs/reference from the code.' }, {})

for (const { path, text } of referencePages()) {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  console.log(path)
}
