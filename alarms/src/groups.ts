/** Groups of the rule file: names for some devices and subjects, such as those of a ward. */
import { z } from 'zod'
import { compileGlobs } from './glob.ts'
import { globs } from './rule.ts'

export const groupsSchema = z
  .array(
    z.strictObject({
      name: z.string().min(1).max(100).describe('What overrides, limits, silences and routes call it.'),
      devices: globs('Devices in it.').default([]),
      subjects: globs('Subjects in it.').default([]),
    }),
  )
  .max(1000)
  .optional()
  .describe('Names for some devices and subjects. One may be in several; alarms say in which.')

type Member = (device: string, subject: string) => boolean

type Groups = z.infer<typeof groupsSchema>

const compiled = new WeakMap<NonNullable<Groups>, { name: string; has: Member }[]>()

/** In the order of the file. */
export function groupsFor({ groups }: { groups?: Groups | undefined }, device: string, subject: string): string[] {
  if (groups === undefined) return []
  let all = compiled.get(groups)
  if (!all) {
    all = groups.map(({ name, devices, subjects }) => {
      const [isDevice, isSubject] = [compileGlobs(devices), compileGlobs(subjects)]
      return { name, has: (device, subject) => isDevice(device) || isSubject(subject) }
    })
    compiled.set(groups, all)
  }
  return all.filter(({ has }) => has(device, subject)).map(({ name }) => name)
}
