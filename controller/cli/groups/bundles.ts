/** Commands about bundles: files that carry releases to places without a network. */

import { InvalidArgumentError } from 'commander'
import type { BundleFileOptions } from '../commands/bundle.ts'
import type { BundleTakeOptions } from '../commands/bundle-take.ts'
import type { BundleWriteOptions } from '../commands/bundle-write.ts'
import type { CarryInOptions, CarryOutOptions } from '../commands/carry.ts'
import type { CourierOptions } from '../commands/courier.ts'
import type { VisitOptions } from '../commands/visit.ts'
import { newsSeconds, reportSeconds } from '../shell/limits.ts'
import { collect, seconds, version, waitOption } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

const units: Record<string, number> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }
/** The largest file of FAT32 is a byte smaller than 4 GiB. */
const fatBytes = 4 * 1024 ** 3 - 1

/** A size such as 700M or 4G, in powers of 1024. */
function bytes(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([KMG]?)$/.exec(text) ?? []
  const value = Number(count) * (units[unit] ?? Number.NaN)
  if (value > 0) return value === fatBytes + 1 ? fatBytes : value
  throw new InvalidArgumentError('Expected a size such as 700M or 4G.')
}

const visitExitCodes = `
Exit codes: 0 all devices have ended with the release, or you left; 1 failed; 2 the time was over before; 64 the command
line is wrong.`

export const bundleCommands: CommandGroup = shell => {
  const parent = shell.group('bundle', 'Bundles: releases in a file, for devices that no network reaches.')

  shell
    .projectCommand('write', 'Write the newest release into a file. An interrupted run is continued.', { parent })
    .argument('<file>', 'the file, a folder for it, or - for standard output')
    .option('--for <site>', 'only what devices of this site lack, by their last reports')
    .option('--since <release>', 'leave out what this release holds', version)
    .option('--no-deltas', 'whole chunks only, for devices that have lost parts of what they run')
    .option('--volume <size>', 'split it into files of at most this size, such as 4G for FAT32', bytes)
    .addOption(waitOption(newsSeconds))
    .action((file: string, options: Omit<BundleWriteOptions, 'file' | 'site'> & { for?: string }) =>
      shell.does<BundleWriteOptions>(async () => (await import('../commands/bundle-write.ts')).bundleWrite)({
        ...options,
        file,
        site: options.for,
      }),
    )

  shell
    .command('show', 'Show what a bundle says that it holds. Nothing is verified.', { parent })
    .argument('<file>', 'a bundle')
    .action(shell.takes<BundleFileOptions>(['file'], async () => (await import('../commands/bundle.ts')).bundleShow))

  shell
    .command('verify', 'Read a whole bundle, and check its hashes and signatures.', { parent })
    .argument('<file>', 'a bundle')
    .action(shell.takes<BundleFileOptions>(['file'], async () => (await import('../commands/bundle.ts')).bundleVerify))

  shell
    .command('take', 'Take in a bundle on a device. Its neighbours are fed from it too, while the command runs.', {
      parent,
    })
    .argument('<files...>', 'bundles, devices that hold one, or - for standard input')
    .option('--state <directory>', "the daemon's state (default: as in the settings file)")
    .option('--hook <program>', 'run this with each change: seen, reading 40, done, incomplete, refused CODE')
    .option('--stay <seconds>', 'end when nobody has needed it for so long', seconds, 10)
    .option('-p, --project <directory>', 'a folder of a project, whose running controller does it if there is one', '.')
    .action((files: string[], options: Omit<BundleTakeOptions, 'files'>) =>
      shell.does<BundleTakeOptions>(async () => (await import('../commands/bundle-take.ts')).bundleTake)({
        ...options,
        files,
      }),
    )

  shell
    .command('courier', 'Serve bundles at a site from any laptop, without Nix and signing keys, until you leave.')
    .argument('[files...]', 'bundles; without any, only reports are carried')
    .option('--join <token>', "a relay's join token or a file with one; needed once")
    .option('--name <name>', "the courier's name, if the token is for several")
    .option('--site <site>', 'the site that is visited')
    .option('--state <directory>', 'the folder for identity, documents and reports')
    .option('--listen <multiaddr>', 'an address to listen on; repeat for more', collect, [])
    .option('--bootstrap <multiaddr>', 'a peer that is always dialled; repeat for more', collect, [])
    .option('--no-mdns', 'do not look for peers on the local network')
    .action((files: string[], options: Omit<CourierOptions, 'files'>) =>
      shell.does<CourierOptions>(async () => (await import('../commands/courier.ts')).courier)({ ...options, files }),
    )

  shell
    .projectCommand('visit', 'Show how far the devices of a site are while you are there, and when you may leave.', {
      exitCodes: visitExitCodes,
    })
    .argument('[site]', 'the site (default: those of the devices in reach)')
    .option('--until-may-leave', 'end as soon as the site goes on without this controller', false)
    .option('--timeout <seconds>', 'leave after this time', seconds)
    .addOption(waitOption(reportSeconds))
    .action((site: string | undefined, options: Omit<VisitOptions, 'site'>) =>
      shell.does<VisitOptions>(async () => (await import('../commands/visit.ts')).visit)({
        ...options,
        ...(site !== undefined && { site }),
      }),
    )

  const carry = shell.group(
    'carry',
    'The way home: reports, histories and logs of devices, on a stick to the operators.',
  )

  shell
    .command('out', "Write a device's outbox to a stick. Only the fleet's controllers can read it.", { parent: carry })
    .argument('<directory>', 'where the stick is mounted')
    .option('--state <directory>', "the daemon's state (default: as in the settings file)")
    .action(shell.takes<CarryOutOptions>(['directory'], async () => (await import('../commands/carry.ts')).carryOut))

  shell
    .projectCommand('in', 'Take in outboxes. What is known already is not counted again.', { parent: carry })
    .argument('<paths...>', 'outboxes, or folders that a stick is mounted at')
    .action((paths: string[], options: Omit<CarryInOptions, 'paths'>) =>
      shell.does<CarryInOptions>(async () => (await import('../commands/carry.ts')).carryIn)({ ...options, paths }),
    )
}
