/** How long to wait after so many failures in a row (at least 1): `firstMs`, then twice as long each time, never longer than `mostMs`. */
export function backOffMs(failures: number, firstMs: number, mostMs: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30))
}
