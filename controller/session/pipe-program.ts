/** A program of its own: carries standard input and output of a ProxyCommand to a Unix socket. It starts in a moment. */

import { connect, Socket } from 'node:net'

const socket = connect({ path: process.argv[2] ?? '', allowHalfOpen: true })
const input = new Socket({ fd: 0, readable: true, writable: false })
const output = new Socket({ fd: 1, readable: false, writable: true })
socket.on('error', () => process.exit(1))
// ssh has ended: nobody reads any more.
output.on('error', () => process.exit(0))
input.on('error', () => socket.end())
input.pipe(socket)
socket.pipe(output)
// Node never closes standard output itself: ssh sees the end when this process ends.
socket.once('end', () => output.end(() => process.exit(0)))
socket.once('close', () => process.exit(0))
