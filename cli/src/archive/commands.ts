import { readArguments } from '@millrace/platform'
import { apiOf, asking, print } from '../asking.ts'
import type { Command } from '../command.ts'
import { archiveFolder } from './folder.ts'

const purpose =
  'lists the days of an archive and up to when it is complete; or checks files, manifest and ledger, with --log against the log too; 1 when it is not whole'
const usage = '<list|verify>'

export const archiveCommands: Record<string, Command> = {
  archive: {
    usage,
    purpose,
    async run(args) {
      const options = {
        ...asking,
        archive: { type: 'string' },
        config: { type: 'string' },
        log: { type: 'boolean', default: false },
      } as const
      const { values, positionals } = readArguments({ call: 'millrace archive', words: [usage], purpose, args }, options)
      const folder = await archiveFolder(values)
      const { printArchiveVerdict, printList } = await import('./print.ts')
      if (positionals[0] === 'list') {
        const { manifestsOf } = await import('@millrace/cloud-processor/archive')
        const manifests = manifestsOf(folder)
        print(values.json, manifests.map(withoutMemory), () => printList(folder, manifests))
        return 0
      }
      const { verifyArchive } = await import('./verify.ts')
      const verdict = await verifyArchive(folder, values.log ? apiOf(values) : undefined)
      print(values.json, verdict, () => printArchiveVerdict(verdict))
      return verdict.isWhole ? 0 : 1
    },
  },
}

const withoutMemory = <M extends { memory: unknown }>({ memory: _, ...rest }: M) => rest
