/** Times that every engine can be asked about: up to the year 2200, in microseconds that are still exact numbers. */
export const farFutureUs = 7_258_118_400_000_000
export const usOf = (ms: number): number => Math.max(0, Math.min(farFutureUs, Math.floor(ms * 1000)))
