/**
 * What keeps strangers out, as named checks against real processes: broker, authority's endpoint, processor with its page, an agent, and a
 * real Mosquitto where it is there. `npm run break -- security [--only <part of a group>] [--plant <hole>]`
 *
 * Each check names the clause that asks for it, of the OWASP IoT Top 10 (2018), the OWASP API Security Top 10 (2023), ETSI EN 303 645 or chapter 5 of
 * MQTT 5.0. With `--plant` a hole is made in the processes as they load (security/plants.ts): the program holds when its check sees it.
 */
import { ownValue, readArguments } from '@millrace/platform'
import { program } from '../support/program.ts'
import { clearTextGroup, closedGroup } from './security/closed.ts'
import { configurationGroup } from './security/configuration.ts'
import { filesGroup, networkGroup } from './security/files.ts'
import { fuzzGroup } from './security/fuzz.ts'
import { httpGroup } from './security/http.ts'
import { loginGroup } from './security/login.ts'
import { machinesGroup } from './security/machines.ts'
import { matrixGroup } from './security/matrix.ts'
import { plant, plants } from './security/plants.ts'
import { rolesGroup } from './security/roles.ts'
import { Scene } from './security/scene.ts'
import { sessionsGroup } from './security/sessions.ts'
import { type Group, Sheet } from './security/sheet.ts'
import { supplyGroup } from './security/supply.ts'
import { wireGroup } from './security/wire.ts'

const { values, refuse } = readArguments(
  { call: 'npm run break -- security' },
  { only: { type: 'string', default: '' }, plant: { type: 'string' }, seed: { type: 'string' } },
)
/** Those that look at what the others left behind come last. */
const groups: Group[] = [
  closedGroup,
  clearTextGroup,
  configurationGroup,
  loginGroup,
  sessionsGroup,
  rolesGroup,
  httpGroup,
  machinesGroup,
  wireGroup,
  matrixGroup,
  fuzzGroup,
  supplyGroup,
  filesGroup,
  networkGroup,
]
const hole = values.plant === undefined ? undefined : ownValue(plants, values.plant)
if (values.plant !== undefined && !hole) refuse(`--plant ${values.plant}: one of ${Object.keys(plants).join(', ')}`)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))

await program('security', async (test) => {
  test.say(`seed ${seed}`)
  if (hole) plant(values.plant!)
  const sheet = new Sheet()
  const scene = new Scene(test, seed)
  const chosen = groups.filter(({ name }) => (hole ? hole.seenBy.startsWith(`${name}: `) : name.includes(values.only)))
  const runGroup = async ({ name, run }: Group) => {
    await run(scene, (clause, what, fault) => sheet.add({ group: name, clause, what, fault })).catch((error: Error) =>
      sheet.add({ group: name, clause: '', what: 'the group runs to its end', fault: `${error.stack}` }),
    )
    test.say(`${name}: ${sheet.countOf(name)}`)
  }
  // It has processes of its own and waits most of its time, and those before the login look at no times.
  const matrix = Promise.all(chosen.filter((group) => group === matrixGroup).map(runGroup))
  for (const group of chosen.filter((one) => one !== matrixGroup)) {
    if (group === loginGroup) await matrix
    await runGroup(group)
  }
  await matrix
  sheet.print()
  if (hole) test.check(sheet.hasFailed(hole.seenBy), `the planted hole ${values.plant} is seen by: ${hole.seenBy}`)
  else test.check(sheet.failed === 0, `${sheet.size} checks, ${sheet.failed} failed`)
})
