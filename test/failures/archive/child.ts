/** Archives a timeline into a folder: `child.ts <folder> [operation at which it is killed]`. It prints how many operations that took. */
import { type Disk, type NewFile, nodeDisk } from '../../../cloud-processor/src/sinks/archive/disk.ts'
import { archiveAll } from '../../../cloud-processor/src/sinks/archive/testing/steps.ts'
import { timeline } from '../../../cloud-processor/src/sinks/archive/testing/timeline.ts'

const killAt = Number(process.argv[3] ?? Number.POSITIVE_INFINITY)
let operations = 0

function operate(): void {
  if (++operations >= killAt) process.kill(process.pid, 'SIGKILL')
}

function counted<Name extends 'makeFolder' | 'link' | 'rename' | 'remove' | 'sync'>(disk: Disk, name: Name): Disk[Name] {
  return ((...args: [string, string]) => {
    operate()
    return (disk[name] as (...given: string[]) => void)(...args)
  }) as Disk[Name]
}

/** Killed in the middle of a write, it leaves half of it. */
function countedFile(file: NewFile): NewFile {
  return {
    write(bytes) {
      const half = bytes.length >> 1
      file.write(bytes.subarray(0, half))
      operate()
      file.write(bytes.subarray(half))
    },
    sync() {
      operate()
      file.sync()
    },
    close: () => file.close(),
  }
}

const disk = nodeDisk(process.argv[2]!)
const names = ['makeFolder', 'link', 'rename', 'remove', 'sync'] as const
await archiveAll(
  {
    ...disk,
    ...Object.fromEntries(names.map((name) => [name, counted(disk, name)])),
    create(path) {
      operate()
      return countedFile(disk.create(path))
    },
  },
  timeline(30),
)
console.log(operations)
