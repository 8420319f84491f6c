// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${NAME}` is what a configuration file says.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkConfig, loadConfig } from './config.ts'
import { MillraceError } from './errors.ts'
import { override } from './overrides.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const schema = z.strictObject({
  broker: z.strictObject({ url: z.string().default('mqtt://127.0.0.1'), keepAlive: z.number().default(10) }).prefault({}),
  name: z.string().default('agent'),
})

const load = (text: string, env = {}) => {
  const path = join(folder, 'config.yaml')
  writeFileSync(path, text)
  return loadConfig(schema, path, env)
}

function errorOf(call: () => unknown): MillraceError {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError)
    return error as MillraceError
  }
  throw new Error('it did not throw')
}

describe('configuration', () => {
  it('is all defaults without a file, or with an empty one', () => {
    const defaults = { broker: { url: 'mqtt://127.0.0.1', keepAlive: 10 }, name: 'agent' }
    expect(loadConfig(schema, undefined)).toEqual(defaults)
    expect(load('')).toEqual(defaults)
    expect(load('# nothing\n')).toEqual(defaults)
  })

  it('takes the file over the defaults and the environment over the file', () => {
    const text = 'broker:\n  url: mqtt://a\n  keepAlive: 20\n'
    expect(load(text, { MILLRACE_BROKER_URL: 'mqtt://b' }).broker).toEqual({ url: 'mqtt://b', keepAlive: 20 })
    expect(load(text, { MILLRACE_BROKER_KEEPALIVE: '30' }).broker.keepAlive).toBe(30)
    expect(load('', { MILLRACE_NAME: 'gw1', HOME: '/', MILLRACE: 'x' }).name).toBe('gw1')
  })

  it('takes a word of a key apart or not, entries of lists, and texts that look like numbers', () => {
    const lists = z.strictObject({
      rules: z.array(z.strictObject({ maxAge: z.number(), code: z.string() })),
      tags: z.record(z.string(), z.string()),
    })
    const raw = {
      rules: [
        { maxAge: 1, code: 'a' },
        { maxAge: 2, code: 'b' },
      ],
      tags: {},
    }
    const env = { MILLRACE_RULES_1_MAX_AGE: '5', MILLRACE_RULES_0_CODE: '0815', MILLRACE_TAGS_WARD: 'c', MILLRACE_OTHER: 'x' }
    expect(override(lists, raw, env)).toEqual({
      rules: [
        { maxAge: 1, code: '0815' },
        { maxAge: 5, code: 'b' },
      ],
      tags: { ward: 'c' },
    })
    expect(errorOf(() => load('', { MILLRACE_BROKER_NONE: 'x' })).message).toContain('none')
  })

  it('puts environment variables into values, each of its type', () => {
    const text = 'broker:\n  url: mqtt://${HOST}:${PORT:-1883}/$${HOST}\n  keepAlive: ${SECONDS}\nname: "${NUMBER}"\n'
    const env = { HOST: 'h', SECONDS: '12', NUMBER: '5' }
    expect(load(text, env)).toEqual({ broker: { url: 'mqtt://h:1883/${HOST}', keepAlive: 12 }, name: '5' })
    expect(load('name: ${NAME}', { NAME: '# &a "b": 007' }).name).toBe('# &a "b": 007')
    expect(load('name: ${NAME:-x}', { NAME: '' }).name).toBe('x')
    expect(load('name: ${NAME}', { NAME: '' }).name).toBe('')
  })

  it('names a variable that is not set, and the key that wants it', () => {
    const { code, message } = errorOf(() => load('broker:\n  url: ${HOST}\nname: a-${NAME}\n', { HOME: '/' }))
    expect(code).toBe('CONFIG_INVALID')
    expect(message).toContain(
      'broker.url: the environment variable HOST is not set; name: the environment variable NAME is not set',
    )
    expect(message).toContain('config.yaml')
  })

  it('names every key and value at fault', () => {
    const { code, message } = errorOf(() => load('broker:\n  keepAlive: soon\nnam: x\n'))
    expect(code).toBe('CONFIG_INVALID')
    expect(message).toContain('broker.keepAlive = "soon"')
    expect(message).toContain('nam')
    expect(message).toContain('config.yaml')
  })

  it('shows no secret beside a key that is wrong, nor one that is wrong itself', () => {
    const secrets = z.strictObject({
      store: z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('y') })]),
      url: z.string(),
      address: z.literal('x'),
      pasword: z.literal('x').optional(),
    })
    for (const raw of [
      { store: { kind: 'x', token: 's3cret', nested: { password: 's3cret' } }, url: { a: 'mqtt://u:s3cret@h' } },
      {
        address: 'mqtt://u:s3cret@h',
        pasword: 's3cret',
        url: ['s3cret'],
        store: 5,
        passwordd: 's3cret',
        credentail: { p: 's3cret' },
      },
      { tokens: ['s3cret'], auth: { x: 's3cret' }, store: { kind: 'y', pass_word: 's3cret', tlsKey: 's3cret' } },
    ])
      expect(errorOf(() => checkConfig(secrets, raw, 'here')).message).not.toContain('s3cret')
  })

  it('says where a file cannot be read as YAML, and nothing of what is in it', () => {
    for (const text of [
      'password: [s3cret',
      'a: b\n  c: s3cret',
      'password: "s3cret',
      'a: s3cret\n}s3cret: 1',
      'a: &s3cret *s3crets',
    ])
      expect(errorOf(() => load(text)).message).toMatch(/^(?!.*s3cret).*line \d+, column \d+/s)
  })

  it('says that a file is missing, or no YAML', () => {
    expect(errorOf(() => loadConfig(schema, join(folder, 'none.yaml'))).code).toBe('CONFIG_NOT_FOUND')
    expect(errorOf(() => load('a: [')).code).toBe('CONFIG_INVALID')
  })

  it('is checked without a file as well', () => {
    expect(checkConfig(schema, { name: 'x' }, 'here').name).toBe('x')
    expect(errorOf(() => checkConfig(schema, { name: 5 }, 'here')).message).toContain('Configuration here')
  })
})
