/** Where the content of a secret comes from: a file, standard input, or the operator at the terminal, without an echo. */

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { temporaryFolder } from '../../node/files/temporary.ts'
import { messageOf } from '../../protocol/errors.ts'
import { prompt } from '../keys/passphrase.ts'
import type { SecretFile } from '../project/schemas.ts'
import { SecretsError } from './errors.ts'

/** `from` is a file's name, `-` for standard input; what is piped in is taken without it. */
export async function contentFrom(
  name: string,
  type: SecretFile['type'],
  from: string | undefined,
): Promise<Uint8Array> {
  if (from === '-' || (from === undefined && !process.stdin.isTTY)) return await buffer(process.stdin)
  if (from !== undefined) {
    return await readFile(from).catch(thrown => {
      throw new SecretsError('secret-content', `can't read ${from}: ${messageOf(thrown)}`, {
        hint: 'Check the path, and that you may read it. --from - reads standard input.',
        cause: thrown,
      })
    })
  }
  if (type !== 'single-line') {
    throw new SecretsError('secret-content', `expected the content of ${name} in a file or on standard input`, {
      hint: `Use --from FILE, or open an editor: thymesh secret edit ${name}.`,
    })
  }
  const typed = await prompt(`Content of ${name}: `)
  if ((await prompt('The same again: ')) !== typed) {
    throw new SecretsError('secret-content', 'the two inputs differ; nothing was written', {
      hint: 'Run the command again, and type the same content twice.',
    })
  }
  return Buffer.from(typed)
}

/** A password that nobody has to think of. */
export function randomContent(): Uint8Array {
  return Buffer.from(randomBytes(24).toString('base64url'))
}

/** The content as an editor leaves it. It lies in a file of its own in memory meanwhile, which goes whatever happens. */
export async function editedContent(name: string, before: Uint8Array): Promise<Uint8Array> {
  const editor = process.env.VISUAL || process.env.EDITOR
  if (editor === undefined || editor === '') {
    throw new SecretsError('no-editor', 'expected an editor in $VISUAL or $EDITOR, found none', {
      hint: `Set EDITOR, or use: thymesh secret set ${name} --from FILE`,
    })
  }
  const folder = await temporaryFolder({ inMemory: true })
  const file = join(folder.path, name)
  try {
    const handle = await open(file, 'wx', 0o600)
    await handle.writeFile(before)
    await handle.close()
    const end = await edit(editor, file)
    if (end !== 0) {
      throw new SecretsError('no-editor', `expected the editor to end with 0, got ${end}; nothing was written`, {
        hint: 'Check $VISUAL and $EDITOR, then try again.',
      })
    }
    return await readFile(file)
  } finally {
    await folder.remove()
  }
}

/** Runs the editor to its end: its exit code, or the signal that ended it. */
async function edit(editor: string, file: string): Promise<number | NodeJS.Signals | null> {
  const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
  // The editor handles Ctrl-C. Other signals end it first: if we ended before it, the plaintext would stay behind.
  const onInterrupt = () => {}
  const onEnd = (signal: NodeJS.Signals) => child.kill(signal)
  process.on('SIGINT', onInterrupt)
  for (const signal of endings) process.on(signal, onEnd)
  try {
    return await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => resolve(signal ?? code))
    })
  } finally {
    process.off('SIGINT', onInterrupt)
    for (const signal of endings) process.off(signal, onEnd)
  }
}

const endings = ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const
