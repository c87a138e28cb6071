/** The order that prepares a rehearsal: builds the config, and looks up what its devices run now. */

import type { z } from 'zod'
import type { Target } from '../../protocol/encoding/fields.ts'
import { HintedError } from '../../protocol/errors.ts'
import { rebootPolicyOf } from '../../protocol/release/reboot-policy.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import type { RehearsalPlan, rehearsalOptions, TriedSystem } from '../api/schemas/rehearsal.ts'
import { buildConfigs } from '../build/build-configs.ts'
import { tellBuild } from '../build/progress.ts'
import { describeOptions } from '../inputs/describe-options.ts'
import { closurePaths } from '../nix/nix-closure.ts'
import { requireSound, type SoundProject } from '../project/check.ts'
import { readProjectFiles } from '../project/files.ts'
import { list } from '../project/problem.ts'
import { openProject, type Project } from '../project/project.ts'
import { nixSystems } from '../project/template.ts'
import { type ProjectTree, withTree } from '../project/tree.ts'
import { requireSecret } from '../secrets/vault.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { requireOwnFleet } from './own-fleet.ts'
import { newsSeconds, noPeerYet } from './submit-release.ts'
import { trialImage } from './trial-image.ts'

type Options = z.output<typeof rehearsalOptions>

export async function planRehearsal(session: Session, options: Options, talk: Talk): Promise<RehearsalPlan> {
  const news = takeNews(session, talk.note, newsSeconds, noPeerYet, talk.signal)
  const project = await openProject(options.project ?? session.directory)
  requireOwnFleet(project, session)
  const [plan] = await Promise.all([
    withTree(project, tree => planTree(session, project, tree, options, talk, news)),
    news,
  ])
  return plan
}

async function planTree(
  session: Session,
  project: Project,
  tree: ProjectTree,
  options: Options,
  talk: Talk,
  news: Promise<void>,
): Promise<RehearsalPlan> {
  const describe = await describeOptions(project)
  const { store } = describe
  talk.step('Checking the project')
  const checked = await requireSound(tree, { ...describe, signal: talk.signal })
  const { config } = options
  const declared = Object.hasOwn(checked.fleet.configs, config) ? checked.fleet.configs[config] : undefined
  if (declared === undefined) {
    throw new HintedError('unknown-config', `expected one of the project's configs, got ${config}`, {
      hint: `It has ${list(Object.keys(checked.fleet.configs).sort())}.`,
    })
  }
  const isNixos = declared.target === 'nixos'
  if (isNixos) requireOwnSystem(config, declared.system)
  await news
  const { from, commit } = await earlier(session, options, store)
  talk.step('Building')
  const rootsDirectory = session.home.rootsDirectory('try')
  const built = await buildConfigs(tree, [config], { rootsDirectory, store, signal: talk.signal, ...tellBuild(talk) })
  const program = isNixos
    ? await trialImage({ session, project, tree, config, from: from && { release: from.release, commit } }, talk)
    : null
  const { reboot, ...policy } = declared.policy ?? {}
  const first = Object.entries(checked.fleet.devices).find(([, device]) => device.config === config)?.[0]
  return {
    config,
    device: options.device ?? declared.device ?? first ?? 'try',
    system: declared.system,
    store: store ?? null,
    program,
    from,
    next: {
      ...{ topLevel: built.get(config) ?? '', policy, secrets: secretsOf(checked, config) },
      ...(reboot?.when && { reboot: reboot.when }),
    },
  }
}

/** The target of a config, by its file alone: nothing is evaluated. Configs that it doesn't know are looked for later. */
export async function declaredTarget(directory: string, config: string): Promise<Target> {
  const { configs } = await readProjectFiles((await openProject(directory)).directory)
  // A device's own system is named after its config, too.
  const [name = ''] = config.split('--')
  return configs.get(name)?.content?.target ?? 'portable'
}

/** What the config was in a release, with its commit; its closure must still be in the store, to be served from there. */
async function earlier(
  { peer: { state } }: Session,
  { config, from }: Options,
  store: string | undefined,
): Promise<{ from: RehearsalPlan['from']; commit?: string | undefined }> {
  if (from === false) return { from: null }
  const release = from === undefined ? state.accepted?.release : await state.release(from)
  if (release === undefined && from !== undefined) {
    throw new HintedError('unknown-version', `this controller doesn't know release ${from}`, {
      hint: '`thymesh releases` lists the releases that it knows.',
    })
  }
  const released = release && Object.hasOwn(release.configs, config) ? release.configs[config] : undefined
  if (release === undefined || released === undefined) {
    if (from === undefined) return { from: null }
    throw new HintedError('unknown-config', `release ${from} has no config ${config}`, {
      hint: 'Name a release that has it with --from, or try a first install with --no-from.',
    })
  }
  await closurePaths(released.topLevel, store).catch(thrown => {
    throw new HintedError(
      'not-in-store',
      `the store has no whole ${released.topLevel}, which release ${release.version} brought to devices with the config ${config}`,
      {
        hint: 'Build that commit again, name another release with --from, or try a first install with --no-from.',
        cause: thrown,
      },
    )
  })
  const { topLevel, policy } = released
  const when = rebootPolicyOf(release.extensions?.values, config)?.when
  const system = {
    ...{ release: release.version, topLevel, secrets: releasedSecrets(released) },
    ...(policy && { policy }),
    ...(when && { reboot: when }),
  }
  return { from: system, commit: release.commit }
}

/** A release doesn't say of which kind a secret is: a line does for most. */
function releasedSecrets({ secrets = {} }: ReleasedConfig): TriedSystem['secrets'] {
  const found = Object.entries(secrets).map(([file, { owner, group, mode }]) => {
    return [file, { owner, group, mode, type: 'single-line', processing: 'none' }] as const
  })
  return Object.fromEntries(found)
}

function secretsOf({ fleet, files }: SoundProject, config: string): TriedSystem['secrets'] {
  const found = (fleet.configs[config]?.secrets ?? []).map(use => {
    const about = requireSecret(files, use.name)
    const { owner, group, mode } = use
    const processing = use.processing === 'none' ? about.processing : use.processing
    return [
      use.path.slice(use.path.lastIndexOf('/') + 1),
      { owner, group, mode, type: about.type, processing },
    ] as const
  })
  return Object.fromEntries(found)
}

/** QEMU emulates any processor, but Nix builds a config's QEMU and its disk for the config's own. */
function requireOwnSystem(config: string, system: string): void {
  const own = nixSystems[process.arch]
  if (system === own) return
  throw new HintedError('try-target', `${config} is for ${system}, and this computer boots machines of ${own}`, {
    hint: 'Try it on a computer of its kind, or let one device be the first wave.',
  })
}
