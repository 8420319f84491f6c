/**
 * Loaded before a writer, in each of its threads: its databases no longer wait for the disk. The control of the experiment: a
 * harness that cannot see this lose data proves nothing when it sees none lost.
 */
import { DatabaseSync } from 'node:sqlite'

const { exec } = DatabaseSync.prototype
DatabaseSync.prototype.exec = function (sql: string) {
  return exec.call(this, sql.replaceAll('synchronous=FULL', `synchronous=${process.env.SYNCHRONOUS ?? 'OFF'}`))
}
