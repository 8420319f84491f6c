import { DatabaseSync } from 'node:sqlite'

/** Names of the registered readers, over a connection of its own: asked once, when a processor starts. */
export function readersIn(path: string): string[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return db
      .prepare('SELECT DISTINCT name FROM readers ORDER BY name')
      .all()
      .map(({ name }) => name as string)
  } finally {
    db.close()
  }
}
