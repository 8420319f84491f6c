/** kcat: reads and writes Kafka from the command line, by librdkafka, which none of our clients is built on. */
import { type DebianProgram, findDebian, getDebian } from '../debian.ts'
import type { ProgramTool } from '../engine.ts'

const debian: DebianProgram = {
  name: 'kcat',
  packages: ['kcat', 'librdkafka1', 'libyajl2'],
  program: '/usr/bin/kcat',
  version: { args: ['-V'], pattern: /Version (\S+)/ },
}

export const kcat: ProgramTool = {
  name: 'kcat',
  what: 'a command-line reader of Kafka that is not ours',
  from: 'Debian kcat, 2 MB',
  find: () => findDebian(debian),
  get: (say) => getDebian(debian, say),
  async program() {
    const found = await findDebian(debian)
    if (!found) throw new Error('kcat is not there. Run: npm run engines -- kcat')
    return found.program
  },
}
