export * from './port.ts'
export { createPtyPort } from './pty.ts'
export { createTcpPort } from './tcp.ts'
