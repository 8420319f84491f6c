/** A virtual environment in `.cache` with what the outside consumer and its check need; made once. */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { CannotRun } from '../../support/program.ts'

const repository = resolve(import.meta.dirname, '../../..')
const requirements = [
  join(repository, 'examples/consumer/requirements.txt'),
  join(repository, 'test/e2e/outside-consumer/requirements.txt'),
]
const call = promisify(execFile)

/** The path of its interpreter. @throws CannotRun */
export async function pythonWithPackages(say: (text: string) => void): Promise<string> {
  const wanted = createHash('sha256')
    .update(requirements.map((path) => readFileSync(path, 'utf8')).join('\0'))
    .digest('hex')
  const dir = join(repository, '.cache', `outside-consumer-${wanted.slice(0, 12)}`)
  if (!existsSync(dir)) await make(dir, say)
  return join(dir, 'bin/python')
}

async function make(dir: string, say: (text: string) => void): Promise<void> {
  const making = `${dir}.making`
  rmSync(making, { recursive: true, force: true })
  say('making a Python environment')
  const python = process.env.PYTHON ?? 'python3'
  await call(python, ['-c', 'import sys; assert sys.version_info >= (3, 10), sys.version']).catch((error) => {
    throw new CannotRun(`Python 3.10 or newer is needed: ${firstLine(error)}. Install it, or name it in PYTHON.`)
  })
  await call(python, ['-m', 'venv', making]).catch((error) => {
    throw new CannotRun(`Python cannot make an environment: ${firstLine(error)}. Install the package python3-venv.`)
  })
  const install = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    ...requirements.flatMap((path) => ['-r', path]),
  ]
  await call(join(making, 'bin/python'), install).catch((error) => {
    throw new CannotRun(`pip could not install the consumer's packages: ${firstLine(error)}`)
  })
  // Scripts inside know the first name, but the interpreter goes by where it is.
  renameSync(making, dir)
}

function firstLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string }
  return (stderr?.trim() || message).split('\n').at(-1)!.slice(0, 300)
}

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

const runMsMax = 120_000

export interface RunOptions {
  input?: string
  /** Ends it with SIGTERM when it has said so much. */
  endAfterBytes?: number
}

/** @throws Error when it does not end by itself. */
export function runPython(python: string, args: string[], { input = '', endAfterBytes }: RunOptions = {}): Promise<Ended> {
  const child = spawn(python, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: runMsMax, killSignal: 'SIGKILL' })
  const ended: Ended = { code: null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    ended.stdout += text
    if (endAfterBytes !== undefined && ended.stdout.length >= endAfterBytes) child.kill('SIGTERM')
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    ended.stderr += text
  })
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (signal === 'SIGKILL') reject(new Error(`${args[0]} was still running after ${runMsMax} ms`))
      else resolve({ ...ended, code })
    })
  })
}
