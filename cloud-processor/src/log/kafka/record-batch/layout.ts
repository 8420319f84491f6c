/**
 * Kafka's record batch, format 2 (big-endian), written and read in place. A client library makes objects for every record
 * and header; this makes none until a reader asks: docs/decisions/0008.
 *
 *     i64  base offset            61 bytes of head, then the records, which may be compressed:
 *     i32  length of what follows     varint length
 *     i32  partition leader epoch     i8     attributes, 0
 *     i8   magic, 2                   varint time delta
 *     u32  CRC-32C of what follows    varint offset delta
 *     i16  attributes                 varint key length (-1: null), key
 *     i32  last offset delta          varint value length (-1: null), value
 *     i64  first time                 varint number of headers, each: varint length, name, varint length, value
 *     i64  newest time
 *     i64  producer id            attributes: bits 0-2 compression (4: zstd), 3: the broker's time, 5: control batch
 *     i16  producer epoch
 *     i32  first sequence
 *     i32  number of records
 *
 * Source: Kafka documentation, "Message Format".
 */
export const headBytes = 61
export const zstd = 4
export const gzip = 1

export interface ProducerId {
  id: bigint
  epoch: number
}
