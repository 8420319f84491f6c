/** Independent programs from PyPI: each test program has a virtual environment in `.cache`. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { CannotRun } from './program.ts'

const installMs = 180_000

/** The path of its Python. @throws CannotRun without Python or a package index. */
export async function installPython(name: string, packages: string[]): Promise<string> {
  const home = resolve(import.meta.dirname, `../../.cache/py-${name}`)
  const python = join(home, 'bin/python')
  const run = promisify(execFile)
  try {
    if (!existsSync(python)) await run('python3', ['-m', 'venv', home], { timeout: installMs })
    await run(python, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...packages], { timeout: installMs })
  } catch (error) {
    throw new CannotRun(
      `${packages.join(', ')} cannot be installed: ${(error as Error).message.split('\n').slice(0, 2).join(' ')}`,
    )
  }
  return python
}
