/**
 * SenML in CBOR (RFC 8428 section 6): an array of maps whose labels are integers. What its fields mean: ../senml.ts.
 *
 *   -1 bver  -2 bn  -3 bt  -4 bu  -5 bv  -6 bs   0 n  1 u  2 v  3 vs  4 vb  5 s  6 t  7 ut  8 vd
 *
 * Labels of extensions are texts. A number is an integer (tags 2 and 3: of any size), a float or a decimal fraction (tag 4). Refused whole is what is not valid
 * CBOR or could be read in two ways: other tags, a label twice, bytes behind the end, more than `depthMax` levels. Integers of more
 * bytes than needed and arrays of unknown length are taken: RFC 8428 asks for no canonical form.
 */
import { decode as decodeCbor, type Token, Tokenizer, Type } from 'cborg'
import type { PayloadCodec } from '../codec.ts'
import { narrowed } from '../exact.ts'
import { resolveSenml, type SenmlConfig, senml } from '../senml.ts'

export const senmlCbor: PayloadCodec<SenmlConfig> = { name: 'senml-cbor', ...senml, decode }

/** A pack has four: array, map, decimal fraction, its numbers. An extension may have more. */
const depthMax = 8

const labels = new Map<unknown, string>([
  [-1, 'bver'],
  [-2, 'bn'],
  [-3, 'bt'],
  [-4, 'bu'],
  [-5, 'bv'],
  [-6, 'bs'],
  [0, 'n'],
  [1, 'u'],
  [2, 'v'],
  [3, 'vs'],
  [4, 'vb'],
  [5, 's'],
  [6, 't'],
  [7, 'ut'],
  [8, 'vd'],
])

function decode(payload: Uint8Array, config: SenmlConfig, receivedMs: number) {
  const options = {
    allowBigInt: true,
    useMaps: true,
    rejectDuplicateMapKeys: true,
    tags: {
      2: (content: () => unknown) => bignum(content()),
      3: (content: () => unknown) => bignum(content(), -1n),
      4: (content: () => unknown) => decimalFraction(content()),
    },
  }
  const pack: unknown = decodeCbor(payload, { ...options, tokenizer: new ShallowTokenizer(payload, options) })
  if (!Array.isArray(pack)) throw new Error('a SenML pack is an array')
  return resolveSenml(pack.map(recordOf), config, receivedMs)
}

function recordOf(record: unknown): Map<string, unknown> | undefined {
  if (!(record instanceof Map)) return undefined
  const fields = new Map<string, unknown>()
  for (const [label, value] of record) {
    const name = labels.get(label) ?? (typeof label === 'string' ? label : undefined)
    // A text that is a label of JSON must not pass for the integer; another integer is an extension that nobody must understand.
    if (name === undefined || (typeof label === 'string' && [...labels.values()].includes(label))) continue
    fields.set(name, name === 'vd' ? dataText(value) : wholeOf(value))
  }
  return fields
}

/** Some encoders write an integer beyond 2^53 as a float; in JSON it has digits. From 10^21 on it has an exponent there. */
function wholeOf(value: unknown): unknown {
  const isDigits = typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 1e21
  return isDigits ? narrowed(BigInt(value)) : value
}

/** As it is in JSON: base64url without padding. */
function dataText(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : null
}

/** RFC 8949 section 3.4.3: bytes of n, big-endian; negative is -1 - n. */
function bignum(content: unknown, sign = 1n): unknown {
  if (!(content instanceof Uint8Array)) return null
  const size = BigInt(`0x0${Buffer.from(content).toString('hex')}`)
  return narrowed(sign < 0n ? -1n - size : size)
}

/** RFC 8949 section 3.4.4: [exponent, mantissa], m * 10^e. Rounded once, as a JSON number would be; without an exponent exactly. */
function decimalFraction(content: unknown): unknown {
  const [exponent, mantissa] = Array.isArray(content) && content.length === 2 ? content : []
  const isWhole = Number.isInteger(exponent) && (Number.isInteger(mantissa) || typeof mantissa === 'bigint')
  if (isWhole && exponent === 0) return narrowed(BigInt(mantissa))
  return isWhole ? Number(`${mantissa}e${exponent}`) : null
}

/** Counts what is open, so that a deep payload is refused by its depth and not by the size of somebody's stack. */
class ShallowTokenizer extends Tokenizer {
  /** Items that each open level still waits for. */
  readonly #open: number[] = []

  override next(): Token {
    const token = super.next()
    const isBreak = Type.equals(token.type, Type.break)
    if (isBreak) this.#open.pop()
    else {
      if (this.#open.length > 0) this.#open[this.#open.length - 1]!--
      if (isOpening(token)) this.#open.push(itemsIn(token))
    }
    while (this.#open.at(-1) === 0) this.#open.pop()
    if (this.#open.length > depthMax) throw new Error(`more than ${depthMax} levels`)
    return token
  }
}

function isOpening({ type }: Token): boolean {
  return Type.equals(type, Type.array) || Type.equals(type, Type.map) || Type.equals(type, Type.tag)
}

function itemsIn({ type, value }: Token): number {
  if (Type.equals(type, Type.tag)) return 1
  return Type.equals(type, Type.map) ? 2 * (value as number) : (value as number)
}
