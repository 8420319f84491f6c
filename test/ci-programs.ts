/** What `npm run test:ci` runs, in order: cheap first. */
export const ciPrograms: { name: string; args: string[] }[] = [
  { name: 'simulation: 10,000 seeds', args: ['test/simulation/main.ts', '--seeds', '10000'] },
  { name: 'simulation: every planted bug is caught', args: ['test/simulation/main.ts', '--bugs'] },
  { name: 'power cuts of the outbox and the log', args: ['test/failures/power-cut.ts', '--rounds', '5'] },
  { name: 'chaos, 60 s on our broker', args: ['test/e2e/chaos.ts', '--seconds', '60', '--broker', 'millrace'] },
  { name: 'chaos, 60 s on Mosquitto', args: ['test/e2e/chaos.ts', '--seconds', '60', '--broker', 'mosquitto'] },
]
