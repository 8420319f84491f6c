/** Passwords of people: what a wrong one is told, and how fast guesses go. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { peopleFile } from '../../../cloud-processor/src/people/index.ts'
import { device, password, type Scene } from './scene.ts'
import { type Check, clauses, type Group, unlike } from './sheet.ts'

const known = 'viewer-whole'

export const loginGroup: Group = {
  name: 'login',
  async run(scene, check) {
    await answers(scene, check)
    await cookies(scene, check)
    await guesses(scene, check)
    await namesAfterGuesses(scene, check)
    await bodies(scene, check)
    await kept(scene, check)
  },
}

const guess = (scene: Scene, name: string, from: string, given = 'wrong horse battery') =>
  scene.ask('/api/login', { body: { name, password: given }, from })

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!

async function answers(scene: Scene, check: Check): Promise<void> {
  const [right, unknown] = [await guess(scene, known, '127.0.1.1'), await guess(scene, 'nobody-at-all', '127.0.1.1')]
  check(clauses.authentication, 'a wrong password is refused', unlike(`${right.code} ${right.body}`, /^401 .*WEB_LOGIN"/))
  check(
    clauses.authentication,
    'an unknown name is told the same as a wrong password',
    right.body === unknown.body && right.code === unknown.code ? undefined : `${right.body} ${unknown.body}`,
  )
  const times: [number[], number[]] = [[], []]
  for (let round = 0; round < 7; round++)
    for (const [at, name] of [known, `nobody-${round}`].entries())
      times[at]!.push((await guess(scene, name, `127.0.1.${10 + round}`, `wrong horse ${round}`)).ms)
  const [ofKnown, ofUnknown] = times.map(median) as [number, number]
  const found = `${ofKnown.toFixed(0)} ms and ${ofUnknown.toFixed(0)} ms`
  check(
    clauses.authentication,
    'nor does the time tell who is known',
    Math.min(ofKnown, ofUnknown) / Math.max(ofKnown, ofUnknown) < 0.4 && found,
  )
  const basic = await scene.ask('/api/fleet', {
    headers: { authorization: `Basic ${btoa(`${known}:wrong`)}` },
    from: '127.0.1.2',
  })
  check(
    clauses.authentication,
    'a wrong password by HTTP Basic tells nothing',
    basic.code !== 401 || basic.body.includes(device) ? basic.body : undefined,
  )
  const anonymous = await scene.ask('/api/fleet')
  check(clauses.authentication, 'without a login nothing is told', anonymous.code !== 401 && anonymous.body)
}

async function cookies(scene: Scene, check: Check): Promise<void> {
  const answer = await scene.ask('/api/login', { body: { name: known, password } })
  const [cookie = ''] = answer.headers['set-cookie'] ?? []
  for (const flag of ['Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/'])
    check(clauses.authentication, `the session cookie has ${flag}`, unlike(cookie, new RegExp(`; ${flag}(?:;|$)`, 'i')))
  check(clauses.authentication, 'the session cookie is of this host alone', unlike(cookie, /^__Host-(?!.*domain=)/i))
  const fixed = '__Host-millrace=chosen-by-a-stranger'
  const after = await scene.ask('/api/login', { body: { name: known, password }, cookie: fixed })
  const isTaken =
    after.headers['set-cookie']?.[0]?.includes('chosen') || (await scene.ask('/api/me', { cookie: fixed })).code === 200
  check(clauses.authentication, 'a session token that a stranger chose is not taken over', isTaken && 'it is')
  const [, token = ''] = cookie.split(/[=;]/)
  check(
    clauses.authentication,
    'the token has 256 bits, and no two are the same',
    Buffer.from(token, 'base64url').length === 32 && token !== (await scene.login(known)).split('=')[1] ? undefined : token,
  )
}

/** The throttle counts by address. */
async function guesses(scene: Scene, check: Check): Promise<void> {
  const from = '127.0.2.1'
  const times: number[] = []
  for (let k = 0; k < 30; k++) {
    const { code, ms } = await guess(scene, known, from, `wrong horse ${k}`)
    times.push(code === 429 ? Number.POSITIVE_INFINITY : ms)
  }
  check(
    clauses.bruteForce,
    'wrong passwords of one address are slowed down',
    times.at(-1)! >= 900 ? undefined : `the last one took ${times.at(-1)} ms`,
  )
  const other = await guess(scene, known, '127.0.2.2', password)
  check(
    clauses.bruteForce,
    'a right one from another address is not',
    (other.code !== 200 || other.ms > 900) && `${other.code} after ${other.ms} ms`,
  )
  const flood = Array.from({ length: 150 }, (_, k) => guess(scene, known, `127.0.2.${10 + (k % 100)}`).catch(() => undefined))
  const during = await guess(scene, known, '127.0.2.250', password)
  await Promise.all(flood)
  check(
    clauses.bruteForce,
    'a right password is answered within 2 s while 150 wrong ones wait',
    (during.code !== 200 || during.ms > 2000) && `${during.code} after ${during.ms.toFixed(0)} ms`,
  )
  const basic = Array.from({ length: 13 }, () => ({
    headers: { authorization: `Basic ${btoa(`${known}:wrong`)}` },
    from: '127.0.2.3',
  }))
  let last = 0
  for (const asked of basic) last = (await scene.ask('/nothing', asked)).ms
  check(
    clauses.bruteForce,
    'wrong passwords by HTTP Basic are slowed down on any path',
    last < 900 && `the last one took ${last} ms`,
  )
}

/** All that a stranger can compare, when the guesses of an address are used up by names that are not known. */
async function namesAfterGuesses(scene: Scene, check: Check): Promise<void> {
  const from = '127.0.5.1'
  const invented = Array.from({ length: 40 }, (_, k) => guess(scene, `invented-${k}`, from, `wrong ${k}`))
  await Promise.race(invented)
  const asked = [0, 1, 2, 3].flatMap((k) => [known, `invented-x${k}`].map((name) => guess(scene, name, from, `wrong x${k}`)))
  const codes = (await Promise.all(asked)).map(({ code }) => code)
  await Promise.all(invented)
  // A guess comes back each second, for the next client in turn.
  const isTold = codes.every((code, at) => code === (at % 2 === 0 ? 401 : 429))
  check(clauses.authentication, 'nor do the answers past the guesses of an address', isTold && `${codes}`)
}

async function bodies(scene: Scene, check: Check): Promise<void> {
  const cookie = await scene.login('admin-whole')
  const { body } = await scene.ask('/api/accounts/link', { body: { name: 'operator-other' }, cookie })
  const [, link] = /#\/link\/([\w-]+)/.exec(body) ?? []
  for (const [what, weak] of [
    ['of nine characters', '123456789'],
    ['with the name in it', 'my operator-other word'],
  ] as const) {
    const answer = await scene.ask('/api/link', { body: { link, password: weak } })
    check(clauses.passwords, `a password ${what} is refused`, unlike(`${answer.code} ${answer.body}`, /^400 .*PEOPLE_INVALID/))
  }
  const long = await guess(scene, known, '127.0.3.1', 'x'.repeat(5000))
  check(clauses.resources, 'a password of 5,000 characters is not hashed', long.code !== 400 && `${long.code}`)
  const extra = await scene.ask('/api/login', { body: { name: known, password, role: 'admin' } })
  check(clauses.properties, 'a login that names its own role is refused', extra.code !== 400 && extra.body)
}

async function kept(scene: Scene, check: Check): Promise<void> {
  const { site } = await scene.installation()
  const token = (await scene.login(known)).split('=')[1]!
  const files = [peopleFile, `${peopleFile}-wal`].map((name) => readFileSync(join(site.path('processor'), name)))
  const holds = (text: string) => files.some((bytes) => bytes.includes(text))
  check(
    clauses.storage,
    'neither password nor token lies in the file of accounts',
    (holds(password) || holds(token)) && 'it does',
  )
  check(
    clauses.passwords,
    'passwords are kept as argon2id',
    holds('$argon2id$v=19$m=19456') ? undefined : 'there is no such hash',
  )
}
