/** Who orders something at the command line. */
import { userInfo } from 'node:os'

export function actorOf(by: string | undefined): string {
  return by ?? userInfo().username
}
