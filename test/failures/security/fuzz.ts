/**
 * Input made by structure, for a fixed time each: packets of MQTT at the guard, payloads of Sparkplug and of plain devices at the processor, bodies
 * at the API. Nothing may end or answer with 5xx, and the healthy device goes on. The decoders have a program of their own.
 */
import { encodePayload } from '@millrace/contract/sparkplug'
import { hostileNames } from '@millrace/platform/testing/hostile-names'
import fc from 'fast-check'
import { afterConnect, insteadOfConnect } from '../../../broker/src/testing/malformed.ts'
import { table } from '../../../cloud-processor/src/web/testing/rights.ts'
import { device, type Scene } from './scene.ts'
import { anyOf, type Check, clauses, type Group } from './sheet.ts'

const budgetMs = 3000

export const fuzzGroup: Group = {
  name: 'fuzz',
  async run(scene, check) {
    const { site, processor } = await scene.installation()
    const pids = [site.broker.pid(), processor.pid(), site.endpoint.pid()]
    await guard(scene, check)
    await payloads(scene, check)
    await api(scene, check)
    const now = [site.broker.pid(), processor.pid(), site.endpoint.pid()]
    check(clauses.input, 'every process goes on', `${now}` !== `${pids}` && `${pids} became ${now}`)
    check(clauses.resources, 'the healthy device goes on', await speaks(scene))
  },
}

function* samples<T>(made: fc.Arbitrary<T>, seed: number): Generator<T> {
  const endMs = performance.now() + budgetMs
  for (let round = 0; performance.now() < endMs; round++) yield* fc.sample(made, { numRuns: 50, seed: seed + round })
}

/** A packet that is nearly right, with bytes changed, left out or put in. */
const packets = fc
  .tuple(
    fc.constantFrom(...[...afterConnect, ...insteadOfConnect].map(([, bytes]) => bytes)),
    fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(2)), { maxLength: 5 }),
  )
  .map(([bytes, edits]) =>
    edits.reduce((text, [at, byte, kind]) => {
      const place = text.length === 0 ? 0 : at % text.length
      const [before, after] = [text.subarray(0, place), text.subarray(place + (kind === 1 ? 0 : 1))]
      return Buffer.concat(kind === 2 ? [before, after] : [before, Buffer.of(byte), after])
    }, Buffer.from(bytes)),
  )

async function guard(scene: Scene, check: Check): Promise<void> {
  let sent = 0
  const endMs = performance.now() + budgetMs
  for (const bytes of samples(packets, scene.seed)) {
    if (performance.now() > endMs) break
    const client = await scene.connect('hostile', { clientId: `fuzz-${sent % 8}` }).catch(() => undefined)
    if (!client) continue
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
    client.stream.write(bytes)
    client.stream.end()
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 200))])
    client.end(true)
    sent++
  }
  check(clauses.input, 'the guard takes packets that are nearly right', sent < 10 && `only ${sent} were sent`)
}

const name = fc.oneof(fc.constantFrom(...hostileNames), fc.string({ maxLength: 20 }))
const metric = fc.record(
  {
    name,
    alias: fc.nat(9),
    timestamp: fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER)),
    datatype: fc.constantFrom('Int16', 'Double', 'String', 'Boolean'),
    value: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.double()),
  },
  { requiredKeys: ['name', 'timestamp', 'datatype', 'value'] },
)
const sparkplug = fc.tuple(
  fc.record({ timestamp: fc.nat(), seq: fc.nat(300), metrics: fc.array(metric, { maxLength: 5 }) }),
  fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
)

function bytesOf([payload, edits]: [object, [number, number][]]): Buffer {
  let bytes: Buffer
  try {
    bytes = Buffer.from(encodePayload(payload as never))
  } catch {
    bytes = Buffer.from(JSON.stringify(payload))
  }
  for (const [at, byte] of edits) if (bytes.length > 0) bytes[at % bytes.length] = byte
  return bytes
}

async function payloads(scene: Scene, check: Check): Promise<void> {
  const [node, plain] = [
    await scene.connect('hostile', { clientId: 'payloads' }),
    await scene.connect('ward', { clientId: 'plain-payloads' }),
  ]
  const topics = [
    'NBIRTH/hostile',
    'NDATA/hostile',
    'DBIRTH/hostile/x',
    'DDATA/hostile/__proto__',
    'DDEATH/hostile/x',
    'NDEATH/hostile',
  ]
  let sent = 0
  for (const given of samples(fc.tuple(sparkplug, fc.json({ maxDepth: 4 })), scene.seed)) {
    const bytes = bytesOf(given[0] as [object, [number, number][]])
    await Promise.all([
      node.publishAsync(`spBv1.0/ward/${topics[sent % topics.length]}`, bytes, { qos: 1 }),
      plain.publishAsync(`plain/fuzzed-${sent % 7}`, given[1], { qos: 1 }),
    ])
    sent++
  }
  await Promise.all([node.endAsync(true), plain.endAsync(true)])
  check(clauses.input, 'the processor takes payloads that are nearly right', sent < 50 && `only ${sent} were sent`)
}

async function api(scene: Scene, check: Check): Promise<void> {
  const cookie = await scene.login('admin-whole')
  const routes = Object.entries(table).filter(([route]) => route.startsWith('POST') && !/accounts|login|logout|link/.test(route))
  const failed = new Set<string>()
  let sent = 0
  const endMs = performance.now() + budgetMs
  for (const [at, key, value] of samples(fc.tuple(fc.nat(), name, fc.oneof(fc.jsonValue({ maxDepth: 3 }), name)), scene.seed)) {
    if (performance.now() > endMs) break
    const [route, { body = {} }] = routes[at % routes.length]!
    const keys = Object.keys(body)
    const changed = { ...body, [at % 3 === 0 || keys.length === 0 ? key : keys[at % keys.length]!]: value }
    const { code } = await scene.ask(route.split(' ')[1]!, { body: JSON.stringify(changed), cookie })
    if (code >= 500 && code !== 503) failed.add(`${route} ${JSON.stringify(changed)}: ${code}`)
    sent++
  }
  check(clauses.input, 'the API answers bodies that are nearly right', sent < 50 ? `only ${sent} were sent` : anyOf([...failed]))
}

/** Undefined: it is shown with a value of the last seconds. */
async function speaks(scene: Scene): Promise<string | undefined> {
  const cookie = await scene.login('viewer-whole')
  const { body } = await scene.ask(
    `/api/devices/${device}/series?channel=spo2&from=${Date.now() - 5000}&to=${Date.now() + 1000}`,
    { cookie },
  )
  return /"v":\[\d/.test(body) || /"last":\[\d/.test(body) ? undefined : body.slice(0, 300)
}
