/** Lines for people that an account sees. The store counts its limit over all of them: it is asked on until enough are seen. */
import type { Scope } from '../people/scope.ts'
import type { StoredEvent, StoreReader } from '../stores/store.ts'

/** What the store gives at most. */
const pageMax = 10_000
/** Of lines of others that are passed over for one answer. */
const pagesMax = 20

/** The newest `limit` from fromMs to before toMs, oldest first. */
export async function seenEvents(
  store: Pick<StoreReader, 'events'>,
  scope: Pick<Scope, 'isWhole' | 'keep'>,
  { from, to, limit }: { from: number; to: number; limit: number },
): Promise<StoredEvent[]> {
  if (scope.isWhole) return store.events(from, to, limit)
  let seen: StoredEvent[] = []
  let upToMs = to
  for (let pages = 0; pages < pagesMax; pages++) {
    const page = await store.events(from, upToMs, pageMax)
    // The page before may have begun amid lines of one time: all of that time are in this one.
    seen = [...scope.keep(page), ...seen.filter(({ atMs }) => atMs >= upToMs)]
    const reachesMs = page[0]?.atMs
    if (seen.length >= limit || page.length < pageMax || reachesMs === undefined) break
    const amidMs = Math.floor(reachesMs) + 1
    // A page of one time has all of it: no store tells more than a page of one.
    upToMs = amidMs < upToMs ? amidMs : reachesMs
  }
  return seen.slice(-limit)
}
