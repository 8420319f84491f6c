/**
 * Runs the tests and closes with a plain line `N passed, N failed, N skipped`.
 *
 *   unit   every `*.test.ts` beside the code, and test/tidy: no engine, no root, under five minutes
 *   ci     the programs in test/ that try to break the promises; counts the unit tests of the same checkout in
 *
 * A program ends with 0 (held), 77 (could not run here; it said why) or anything else (failed).
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readArguments } from '@millrace/platform'
import { ciPrograms } from './ci-programs.ts'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

const skippedExit = 77
const unitFile = '.cache/unit-counts.json'
const { positionals } = readArguments(
  { call: 'node test/run.ts', words: ['unit', 'ci'], purpose: 'npm test runs unit, npm run test:ci runs ci' },
  {},
)
mkdirSync('.cache', { recursive: true })
const counts = positionals[0] === 'ci' ? await ci() : await unit()
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1

async function unit(): Promise<Counts> {
  const report = '.cache/unit-report.json'
  await run('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`])
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  )
  for (const { name, assertionResults } of testResults) {
    for (const { status, fullName } of assertionResults)
      if (status === 'skipped' || status === 'pending') console.log(`skipped: ${fullName} (${name})`)
  }
  // A file that could not be loaded has failed without a test in it.
  const broken = testResults.filter(
    (file: { status: string; assertionResults: unknown[] }) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  const failed = numFailedTests + broken.length || (numFailedTestSuites > 0 ? 1 : 0)
  const counts = { passed: numPassedTests, failed, skipped: numPendingTests + numTodoTests }
  writeFileSync(unitFile, JSON.stringify(counts))
  return counts
}

async function ci(): Promise<Counts> {
  const counts: Counts = existsSync(unitFile) ? JSON.parse(readFileSync(unitFile, 'utf8')) : { passed: 0, failed: 0, skipped: 0 }
  for (const { name, args } of ciPrograms) {
    console.log(`\n=== ${name}`)
    const startedMs = performance.now()
    const code = await run(process.execPath, args)
    const outcome = code === 0 ? 'passed' : code === skippedExit ? 'skipped' : 'failed'
    counts[outcome]++
    console.log(`=== ${name}: ${outcome} after ${Math.round((performance.now() - startedMs) / 1000)} s`)
  }
  return counts
}

function run(command: string, args: string[]): Promise<number> {
  return new Promise((resolve) => {
    spawn(command, args, { stdio: 'inherit' })
      .on('error', () => resolve(1))
      .on('exit', (code) => resolve(code ?? 1))
  })
}
