import { readArguments } from '@millrace/platform'
import { asking, print } from '../asking.ts'
import type { Command } from '../command.ts'

const purpose =
  'imports the files of a job: each row once, whatever is killed; 1 when something was refused or a file changed. --dry-run counts and shows, and writes nothing'
const usage = '<job.yaml>'

export const importCommands: Record<string, Command> = {
  import: {
    usage,
    purpose,
    async run(args) {
      const options = {
        ...asking,
        'dry-run': { type: 'boolean', default: false },
        unchecked: { type: 'boolean', default: false },
      } as const
      const { values, positionals } = readArguments({ call: 'millrace import', words: [usage], purpose, args }, options)
      const { importJob, isWhole } = await import('./command.ts')
      const done = await importJob(positionals[0]!, values)
      const { printDone } = await import('./print.ts')
      print(values.json, done, () => printDone(done))
      return isWhole(done) ? 0 : 1
    },
  },
}
