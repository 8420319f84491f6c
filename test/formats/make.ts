/**
 * Makes samples with the code of an earlier version: `node test/formats/make.ts --from <checkout> --commit 93a8b0b`
 *
 * Samples that are there are never made again: they are what that version wrote.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readArguments } from '@millrace/platform'
import { answersOf, madeBy, pack, writeSamples } from './samples.ts'
import { loadVersion } from './version.ts'

const { values } = readArguments({ call: 'node test/formats/make.ts' }, { from: { type: 'string' }, commit: { type: 'string' } })
const { from, commit } = values
if (!from || !commit) throw new Error('Give --from, a checkout with its packages, and --commit, which it is of')
if (madeBy.includes(commit)) throw new Error(`There are samples of ${commit}`)

const earlier = await loadVersion(
  from,
  ['platform/src/index.ts', 'contract/src/service/index.ts'].find((path) => existsSync(join(from, path))),
)
const dir = mkdtempSync(join(tmpdir(), 'millrace-formats-'))
await writeSamples(earlier, dir)
const copy = `${dir}-copy`
cpSync(dir, copy, { recursive: true })
pack(dir, await answersOf(earlier, copy), commit)
for (const folder of [dir, copy]) rmSync(folder, { recursive: true })
