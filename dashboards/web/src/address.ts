/** A name from outside may hold half a surrogate pair, which no address can. */
export function inAddress(name: string): string {
  return encodeURIComponent(name.toWellFormed())
}
