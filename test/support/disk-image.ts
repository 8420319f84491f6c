/**
 * An ext4 file system in a file, mounted over a loop device, whose power can be cut: what the kernel had not written to the
 * "disk" is gone, as it would be. Needs root, mkfs.ext4, loop devices and xfs_io (Debian: e2fsprogs, mount, xfsprogs).
 */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, rmSync, truncateSync } from 'node:fs'
import { CannotRun } from './program.ts'

export interface DiskImage {
  /** Where it is mounted. */
  folder: string
  /** An empty file system, mounted. */
  format(): void
  /** Nothing reaches the disk from here on; what waits in memory is dropped by `unmount`. */
  cutPower(): void
  unmount(): void
  /** Mounts again; ext4 replays its journal. True when there was something to replay. */
  mount(): boolean
}

/** @throws CannotRun naming what is missing. */
export function needDiskImages(): void {
  if (process.getuid?.() !== 0) throw new CannotRun('only root may mount a file system; run it as root')
  for (const [tool, from] of [
    ['mkfs.ext4', 'e2fsprogs'],
    ['mount', 'mount'],
    ['xfs_io', 'xfsprogs'],
  ] as const)
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0)
      throw new CannotRun(`${tool} is missing; apt-get install ${from}`)
  if (!existsSync('/dev/loop-control')) throw new CannotRun('this machine has no loop devices')
}

/** @param at path of the image; the mount point is a folder beside it. @throws CannotRun when this machine does not mount it. */
export function createDiskImage(at: string, megabytes: number): DiskImage {
  const file = `${at}.img`
  const folder = `${at}.mounted`
  let isMounted = false
  mkdirSync(folder, { recursive: true })
  const image: DiskImage = {
    folder,
    format() {
      image.unmount()
      rmSync(file, { force: true })
      closeSync(openSync(file, 'w'))
      truncateSync(file, megabytes * 1024 * 1024)
      run('mkfs.ext4', '-q', '-F', file)
      image.mount()
    },
    cutPower: () => void run('xfs_io', '-x', '-c', 'shutdown', folder),
    unmount() {
      if (!isMounted) return
      run('umount', folder)
      isMounted = false
    },
    mount() {
      const isDirty = run('dumpe2fs', '-h', file).includes('needs_recovery')
      run('mount', '-o', 'loop', file, folder)
      isMounted = true
      return isDirty
    },
  }
  return image
}

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return stdout
  const detail = `${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`
  if (command === 'mount') throw new CannotRun(detail)
  throw new Error(detail)
}
