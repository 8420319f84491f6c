export { type Backup, backUp, restore } from './backup.ts'
