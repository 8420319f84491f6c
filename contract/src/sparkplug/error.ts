/** Why bytes are not a Sparkplug payload, or a value cannot be one. Branch on it, never on the text. */
export type SparkplugReason =
  /** A field, or the message that it is in, ends before its length says. */
  | 'truncated'
  /** A varint of more than ten bytes. */
  | 'bad-varint'
  /** Field number 0, or a tag that does not fit 32 bits. */
  | 'bad-field'
  /** A known field with another wire type, or a group (deprecated, and never part of Sparkplug). */
  | 'bad-wire-type'
  /** More bytes, or a longer string, than the limits allow. */
  | 'too-large'
  /** More metrics, properties or array elements than the limits allow. */
  | 'too-many'
  /** Property sets nested deeper than the limits allow. */
  | 'too-deep'
  | 'bad-utf8'
  /** A property set whose keys and values differ in number, or a property that is not what its name says. */
  | 'bad-properties'
  /** The value is not of the metric's datatype. */
  | 'datatype-mismatch'
  /** An alias, a time or a sequence number that is negative, not whole or above 2^53 - 1. */
  | 'out-of-range'
  /** A datatype that this codec does not know. */
  | 'unsupported'
  /** An id with a reserved character, or none at all. */
  | 'bad-topic'

/** The only error that this folder throws, whatever the bytes. */
export class SparkplugError extends Error {
  readonly reason: SparkplugReason
  /** Where in the payload, in bytes; when encoding, where it would have been written. */
  readonly offset: number

  constructor(reason: SparkplugReason, offset: number, detail: string) {
    super(`${reason} at byte ${offset}: ${detail}`)
    this.name = 'SparkplugError'
    this.reason = reason
    this.offset = offset
  }
}
