// Installs the workspace's packages when they are missing or older than the lock file, so that
// `npm start` and `npm test` work on a fresh clone. Plain JavaScript: it runs on the system's Node,
// before the project's own Node 24 is there.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'

const installed = 'node_modules/.package-lock.json'
const isCurrent = existsSync(installed) && statSync(installed).mtimeMs >= statSync('package-lock.json').mtimeMs

if (!isCurrent) {
  console.log('Installing packages (once) ...')
  // Not `npm ci`: it refuses a lock file that lacks an optional package of another platform, which a registry may not offer.
  const { status } = spawnSync(
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'],
    {
      stdio: 'inherit',
    },
  )
  if (status !== 0) {
    console.error('npm install failed. Check that this machine reaches an npm registry, then run the command again.')
    process.exit(1)
  }
}
