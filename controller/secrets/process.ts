/** Processing of secrets before devices get them: the form of their type, or a password's hash. */

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { limits } from '../../protocol/limits.ts'
import type { SecretFile } from '../project/schemas.ts'
import { SecretsError } from './errors.ts'

export type Processing = SecretFile['processing']

/** The content of a secret as it was typed or read, in the form of its type. Throws a SecretsError that doesn't show it. */
export function normalised(name: string, type: SecretFile['type'], bytes: Uint8Array): Uint8Array {
  const wrong = (words: string, hint = 'Give it other content with --from FILE or `thymesh secret edit`.') =>
    new SecretsError('secret-content', `the secret ${name}: ${words}`, { hint })
  if (bytes.length === 0) throw wrong('expected some content, got none')
  if (bytes.length > limits.secretPlaintext) {
    throw wrong(`expected at most ${limits.secretPlaintext} bytes, got ${bytes.length}`)
  }
  if (type === 'file') return bytes
  const text = Buffer.from(bytes).toString('utf8')
  if (!Buffer.from(text).equals(Buffer.from(bytes)) || text.includes('\0'))
    throw wrong('expected text, got other bytes', 'Use --type file for a secret of any bytes.')
  if (type === 'single-line') {
    const line = text.replace(/\r?\n$/, '')
    if (line === '') throw wrong('expected some content, got none')
    if (/[\r\n]/.test(line))
      throw wrong('expected one line, got several', 'Use --type multi-line for a secret of several lines.')
    return Buffer.from(line)
  }
  const lines = text.replaceAll('\r\n', '\n').replace(/\n*$/, '\n')
  if (type === 'environment') {
    const at = lines.split('\n').findIndex(line => line !== '' && !/^(?:#|[A-Za-z_][A-Za-z0-9_]*=)/.test(line))
    if (at >= 0) throw wrong(`expected lines such as KEY=value, got something else in line ${at + 1}`)
  }
  return Buffer.from(lines)
}

/** The form of a plaintext that devices get. */
export async function processed(plaintext: Uint8Array, processing: Processing, name: string): Promise<Uint8Array> {
  if (processing === 'none') return plaintext
  return Buffer.from(
    await yescrypt(
      Buffer.from(plaintext)
        .toString('utf8')
        .replace(/\r?\n$/, ''),
      name,
    ),
  )
}

/** crypt(3)'s own alphabet. */
const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Six bits a letter, the lowest first, as yescrypt reads it. */
function encoded(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const group = bytes.subarray(at, at + 3)
    let value = group.reduce((sum, byte, index) => sum | (byte << (8 * index)), 0)
    for (let letters = Math.ceil((group.length * 8) / 6); letters > 0; letters--) {
      text += alphabet[value & 63]
      value >>>= 6
    }
  }
  return text
}

/** Programs that hash with libxcrypt's yescrypt. The password goes through a pipe: arguments are for all to see. */
function programs(): { file: string; args: string[]; input: (password: string) => string }[] {
  const salt = encoded(randomBytes(16))
  const script = 'chomp(my @l = <STDIN>); print crypt($l[0], $l[1])'
  return [
    { file: 'mkpasswd', args: ['--method=yescrypt', '--stdin'], input: password => `${password}\n` },
    { file: 'perl', args: ['-e', script], input: password => `${password}\n$y$j9T$${salt}$\n` },
  ]
}

async function yescrypt(password: string, name: string): Promise<string> {
  if (/[\r\n]/.test(password)) throw passwordLines(name)
  for (const { file, args, input } of programs()) {
    const output = await withInput(file, args, input(password)).catch(() => undefined)
    const hash = output?.trim()
    if (hash !== undefined && /^\$y\$[./A-Za-z0-9]+\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{43}$/.test(hash)) return hash
  }
  throw new SecretsError(
    'no-yescrypt',
    'expected `mkpasswd` or `perl` with libxcrypt to hash a password with yescrypt, found neither',
    {
      hint: 'Install one: `apt-get install whois`, or mkpasswd from nixpkgs.',
    },
  )
}

function passwordLines(name: string): SecretsError {
  return new SecretsError('secret-content', `the secret ${name}: expected a password of one line, got several lines`, {
    hint: `Give it one line: thymesh secret set ${name}.`,
  })
}

/** Either takes a tenth of a second. */
const hashMs = 30_000

async function withInput(file: string, args: readonly string[], input: string): Promise<string> {
  // Not `timeout`: its timer outlives a program that is not there, and keeps the process.
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'ignore'], signal: AbortSignal.timeout(hashMs) })
  return await new Promise((resolve, reject) => {
    let output = ''
    child.on('error', reject)
    child.stdin.on('error', reject)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.on('close', code => (code === 0 ? resolve(output) : reject(new Error(`${file} ended with ${code}`))))
    child.stdin.end(input)
  })
}
