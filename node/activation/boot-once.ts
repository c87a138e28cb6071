/** Makes NixOS's boot loader start a generation at the next boot only, whatever that boot comes to. */

import { outputLines } from '../process/limits.ts'
import { runProgram } from '../process/run-program.ts'
import { type LoaderEntry, loaderEntry } from './boot-loaders.ts'
import { systemctlTimeoutMs } from './limits.ts'
import { SwitchError } from './switch-error.ts'

/** GRUB's file of variables, which grub.cfg reads and clears. */
const grubEnvironment = '/boot/grub/grubenv'

/** The generation has to be in the loader's menu. Throws a SwitchError where the loader has no such thing. */
export async function bootOnce(topLevel: string): Promise<void> {
  const entry = await loaderEntry('/', topLevel)
  if (entry === undefined) {
    throw new SwitchError('switch-failed', `expected an entry of the boot loader for ${topLevel}, found none`)
  }
  await run(commandOf(entry))
}

/** The next boot is an ordinary one again. Where that can't be said, it was not set either. */
export async function clearBootOnce(): Promise<void> {
  for (const command of [
    ['bootctl', 'set-oneshot', ''],
    ['grub-editenv', grubEnvironment, 'unset', 'next_entry'],
  ]) {
    await run(command).catch(() => {})
  }
}

function commandOf(entry: LoaderEntry): string[] {
  switch (entry.loader) {
    case 'systemd-boot':
      return ['bootctl', 'set-oneshot', entry.id]
    case 'grub':
      if (entry.once) return ['grub-editenv', grubEnvironment, 'set', `next_entry=${entry.id}`]
      break
    case 'extlinux':
      break
  }
  const message = `this update needs a boot that can fail, and ${entry.loader} here can't start a generation just once`
  throw new SwitchError('no-boot-once', message, {
    hint: 'Set `reboot` of the module updates to never where the update can be switched to; else update this device by hand.',
  })
}

async function run([program = '', ...args]: readonly string[]): Promise<void> {
  const PATH = `${process.env.PATH ?? ''}:/run/current-system/sw/bin:/usr/sbin:/usr/bin:/sbin:/bin`
  const options = { timeoutMs: systemctlTimeoutMs, lines: outputLines, env: { ...process.env, PATH } }
  const { code, errors } = await runProgram(program, args, options)
  if (code === 0) return
  const message = `${program} ${args.join(' ')} ended with code ${code}: ${errors.join('\n')}`.slice(0, 1000)
  throw new SwitchError('no-boot-once', message, {
    hint: 'The loader, or its EFI variables, can not be set from the running system.',
  })
}
