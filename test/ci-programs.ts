/** What `npm run test:ci` runs, in order: cheap first. */
export const ciPrograms: { name: string; args: string[] }[] = [
  { name: 'simulation: 10,000 seeds', args: ['test/simulation/main.ts', '--seeds', '10000'] },
  { name: 'simulation: every planted bug is caught', args: ['test/simulation/main.ts', '--bugs'] },
  { name: 'power cuts of outbox, log and store', args: ['test/failures/power-cut.ts', '--rounds', '3'] },
  { name: 'npm start, Ctrl-C, and start again', args: ['test/e2e/start.ts'] },
  { name: 'real recordings through the whole length', args: ['test/e2e/real-input.ts', '--quick'] },
  { name: 'bad input of every kind', args: ['test/failures/bad-input.ts', '--quick'] },
  { name: 'an outbox at its bound', args: ['test/failures/limits.ts', '--evicted', '20000'] },
  { name: 'from the sensor to the webhook', args: ['test/e2e/latency.ts', '--quick'] },
  { name: 'chaos, 60 s on our broker', args: ['test/e2e/chaos.ts', '--seconds', '60', '--broker', 'millrace'] },
  { name: 'chaos, 60 s on Mosquitto', args: ['test/e2e/chaos.ts', '--seconds', '60', '--broker', 'mosquitto'] },
]
