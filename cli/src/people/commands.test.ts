import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { People, peopleFile } from '@millrace/cloud-processor/people'
import { systemClock } from '@millrace/platform'
import { afterAll, expect, it } from 'vitest'
import { peopleCommands } from './commands.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-user-'))
const config = join(folder, 'processor.yaml')
writeFileSync(config, `dataDir: ${folder}\n`)
afterAll(() => rmSync(folder, { recursive: true }))

const user = (...args: string[]) => peopleCommands.user!.run([...args, '--config', config])

it('adds, changes and removes accounts, and says who did it and why', async () => {
  await user('add', 'ada', '--role', 'admin')
  await user('add', 'ward', '--role', 'viewer', '--scope', 'ward-3/#', '--scope', 'plain/+')
  await user('role', 'ward', '--role', 'operator', '--reason', 'night shift')
  await user('scope', 'ward', '--scope', 'ward-4/#')
  await user('end-sessions', 'ward')
  await expect(user('remove', 'ada')).rejects.toThrow('PEOPLE_LAST_ADMIN')
  await expect(user('scope', 'ward', '--scope', 'ward-3/#/x')).rejects.toThrow('the scope "ward-3/#/x"')
  const people = new People(join(folder, peopleFile), systemClock)
  try {
    const accounts = people.list().map(({ name, role, scope }) => ({ name, role, scope }))
    expect(accounts).toEqual([
      { name: 'ada', role: 'admin', scope: [] },
      { name: 'ward', role: 'operator', scope: ['ward-4/#'] },
    ])
    const trail = people.trail(10).map(({ action, reason }) => `${action}${reason ? ` ${reason}` : ''}`)
    const changes = ['account.end-sessions', 'account.scope', 'account.role night shift', 'account.add', 'account.add']
    expect(trail).toEqual(changes)
    expect(people.trail(1)[0]!.by).toContain('(command line)')
  } finally {
    people.close()
  }
})
