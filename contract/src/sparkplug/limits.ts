/** What a hostile payload can cost at most. Each count is for the whole payload. */
export interface Limits {
  /** Bytes of the payload. */
  bytes: number
  metrics: number
  /** Property sets inside property sets. */
  depth: number
  /** Bytes of one string, byte array or packed array. */
  stringBytes: number
  properties: number
  /** Elements of packed arrays. */
  elements: number
}

export const defaultLimits: Limits = {
  bytes: 1 << 20,
  metrics: 1 << 16,
  depth: 8,
  stringBytes: 1 << 19,
  properties: 1 << 16,
  elements: 1 << 20,
}
