/** promtool: checks and tests Prometheus rules. */
import { type DebianProgram, findDebian, getDebian } from '../debian.ts'
import type { ProgramTool } from '../engine.ts'

const debian: DebianProgram = {
  name: 'promtool',
  packages: ['prometheus'],
  program: '/usr/bin/promtool',
  version: { args: ['--version'], pattern: /version (\S+)/ },
}

export const promtool: ProgramTool = {
  name: 'promtool',
  what: 'checks and tests Prometheus alert rules',
  from: 'Debian prometheus, 19 MB',
  find: () => findDebian(debian),
  get: (say) => getDebian(debian, say),
  async program() {
    const found = await findDebian(debian)
    if (!found) throw new Error('promtool is not there. Run: npm run engines -- promtool')
    return found.program
  },
}
