import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'

/** A real process: a refusal ends it. */
function call(words: string[] | undefined, args: string[]) {
  const program = `
    import { readArguments } from '${new URL('arguments.ts', import.meta.url)}'
    const usage = { call: 'tool', words: ${JSON.stringify(words)}, args: ${JSON.stringify(args)} }
    const { positionals } = readArguments(usage, { config: { type: 'string' } })
    console.log(JSON.stringify(positionals))
  `
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  return { status, said: status === 0 ? stdout.trim() : stderr.split('\n')[0] }
}

const forms = [
  'run',
  'passwd <file> <user>',
  'get <a|b>',
  'all <file> ...',
  'into [folder]',
  'keep <device>',
  'add --topic <topic>',
]
const good = [
  ['run'],
  ['passwd', 'f', 'u'],
  ['get', 'b'],
  ['all', 'f', 'g', 'h'],
  ['into'],
  ['into', 'd'],
  ['add', '--config', 'c'],
]
const bad: [string[], string][] = [
  [[], 'A command is missing.'],
  [['stop'], 'stop is not a command.'],
  [['run', 'a.yaml'], 'The word a.yaml was not expected: --config names the configuration file.'],
  [['passwd', 'f'], '<user> is missing.'],
  [['keep'], '<device> is missing.'],
  [['passwd', 'f', 'u', 'x'], 'The word x was not expected: --config names the configuration file.'],
  [['get', 'c'], 'The word c was not expected: --config names the configuration file.'],
  [['all'], '<file> is missing.'],
  [['into', 'd', 'e'], 'The word e was not expected: --config names the configuration file.'],
  [['run', '--port', '1'], "Unknown option '--port'."],
]

describe.concurrent('the words of a command are those of its usage', () => {
  test.each(good)('%s %s', (...args) => expect(call(forms, args.filter(Boolean)).status).toBe(0))
  test.each(bad)('%j is refused', (args, said) => expect(call(forms, args)).toEqual({ status: 2, said }))
  test('where none is expected none is taken', () => {
    expect(call(undefined, ['x'])).toEqual({
      status: 2,
      said: 'The word x was not expected: --config names the configuration file.',
    })
    expect(call(undefined, [])).toEqual({ status: 0, said: '[]' })
  })
})
