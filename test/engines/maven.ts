/** Jars from Maven Central, with all they need, by a pom of our own and the machine's Maven and Java. */
import { rmSync, writeFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { intoCache } from './cache.ts'
import { needs, run } from './command.ts'

const remedy = 'Install a JDK of 17 or later and Maven (Debian: default-jdk-headless, maven).'

/** Quick to start and small, at the price of speed in the long run. */
export const frugal = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

export interface MavenRecipe {
  /** `<name>-<version>`, the folder in the cache; the jars come to `lib` in it. */
  folder: string
  /** `group:artifact:version`. */
  artifacts: string[]
  /** A Java source that is compiled against them into `classes`, for what has no main class of its own. */
  launcher?: string
}

export async function getJars({ folder, artifacts, launcher }: MavenRecipe): Promise<void> {
  const mvn = needs('mvn', remedy)
  needs('java', remedy)
  await intoCache(folder, async (dir) => {
    writeFileSync(join(dir, 'pom.xml'), pom(artifacts))
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=lib']
    await run(mvn, ['-q', '-B', '-Dstyle.color=never', ...goal], { cwd: dir, env: home() })
    if (launcher) await run(needs('javac', remedy), ['-nowarn', '-cp', join(dir, 'lib/*'), '-d', join(dir, 'classes'), launcher])
    rmSync(join(dir, 'pom.xml'))
  })
}

/** Java asks the user database where home is, which for a service's user is nowhere; Node asks HOME first. */
function home(): Record<string, string> {
  if (homedir() === userInfo().homedir) return {}
  return { MAVEN_OPTS: `${process.env.MAVEN_OPTS ?? ''} -Duser.home=${homedir()}` }
}

/** The java on PATH. @throws Error with the remedy. */
export function java(): string {
  return needs('java', remedy)
}

function pom(artifacts: string[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>millrace</groupId><artifactId>engine</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('\n')}</dependencies></project>
`
}
