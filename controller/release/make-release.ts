/** From a checked project to the content of a release: built, described, its secrets encrypted to the devices. */

import { newestOf } from '../../node/state/releases.ts'
import { withAlerts } from '../../protocol/alerts/in-release.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { withRebootPolicies } from '../../protocol/release/reboot-policy.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { RolloutPolicy } from '../../protocol/release/rollout-policy.ts'
import { withUplinks } from '../../protocol/release/site-uplinks.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { buildConfigs } from '../build/build-configs.ts'
import { tellBuild } from '../build/progress.ts'
import type { FleetHome } from '../fleet/fleet-home.ts'
import { shortPath, size } from '../format/table.ts'
import { keepPath } from '../nix/store.ts'
import type { SoundProject } from '../project/check.ts'
import type { DeclaredFleet } from '../project/declared-fleet.ts'
import { openProject } from '../project/project.ts'
import { draftOf } from '../project/release-limits.ts'
import type { ProjectTree } from '../project/tree.ts'
import { operatorIdentity } from '../secrets/operator-identity.ts'
import type { Recipients } from '../secrets/recipients.ts'
import { deviceRecipients, releaseSecrets, requireRecipients } from '../secrets/release.ts'
import { withFleetBuilders } from '../session/fleet-builders.ts'
import type { Session } from '../session/session.ts'
import { acceptedOf } from '../signing/proposing.ts'
import { requireLivingRoot } from '../signing/root-end.ts'
import { requireSiteRelease, requireSiteSigners } from '../signing/sites.ts'
import type { Talk } from '../tasks/talk.ts'
import { boundContent, hasAllBindings } from './bindings.ts'
import { hubContent } from './hub-content.ts'
import { type BuiltConfig, releaseConfig, sameContent } from './release-config.ts'
import { withReleaseShifts } from './release-shifts.ts'
import { parseRolloutPolicy } from './rollout-policy.ts'

export interface ReleaseInit {
  /** The tree of the commit that the release names. */
  readonly tree: ProjectTree
  /** The fleet of that tree, checked and evaluated. */
  readonly checked: SoundProject
  readonly commit: string
  readonly message: string
  /** Only for the devices of this site, by its own operators. */
  readonly site?: string | undefined
  /** A release also when nothing would change on any device. */
  readonly force: boolean
  /** How it spreads: as the project says, by a policy, or to all devices at once. */
  readonly rollout: RolloutPolicy | 'project' | undefined
  /** Whether secrets may wait for devices that have not joined. */
  readonly allowMissingRecipients: boolean
  readonly store: string | undefined
  /** To whom it is told how that goes. */
  readonly talk: Talk
  /** Resolves when other operators' releases have come in: this one must be on top of them. */
  readonly news: Promise<void>
  /** Checks of the declared fleet before anything is built. */
  readonly look?: (devices: ReleaseContent['devices']) => void
}

export interface PreparedRelease {
  readonly content: ReleaseContent
  /** The release that says all of it already. */
  readonly same: Release | undefined
}

/** All that the next release says, built, described and kept, ready to be signed. */
export async function prepareRelease(session: Session, init: ReleaseInit): Promise<PreparedRelease> {
  const { peer, home } = session
  const { tree, store, talk } = init
  const { fleet: whole } = init.checked
  const nixKey = await home.nixKey()
  const rollout = init.rollout === 'project' ? parseRolloutPolicy(whole.rollout, 'rollout.json') : init.rollout
  const declared = init.site === undefined ? whole : await declaredAt(session, init, init.site, whole)
  const devices = devicesOf(declared, peer.directory.certificates())
  init.look?.(devices)
  const names = [...new Set(Object.values(devices).map(({ config }) => config))].sort()
  await init.news
  // Before a build of hours.
  requireLivingRoot(acceptedOf(peer).trusted, new Date())
  const recipients = await deviceRecipients(session)
  if (!init.allowMissingRecipients) requireRecipients(declared, recipients, init.checked)
  talk.step('Building')
  const building = { rootsDirectory: home.rootsDirectory('next'), store, signal: talk.signal, ...tellBuild(talk) }
  const topLevels = await withFleetBuilders({ session: async () => session, isRunning: true, store }, whole, builders =>
    buildConfigs(tree, names, { ...building, builders }),
  )
  talk.progress(undefined)
  talk.activities(() => [])
  talk.step('Describing the closures')
  const configs: ReleaseContent['configs'] = {}
  for (const name of names) {
    const built = await builtConfig(session, { ...init, recipients }, declared, name, topLevels.get(name) ?? '')
    talk.signal.throwIfAborted()
    configs[name] = await describe(session, built, nixKey, talk)
  }
  talk.progress(undefined)
  const { message, commit } = init
  const place = { fleet: peer.fleet, site: init.site }
  const reboots = Object.fromEntries(names.map(name => [name, declared.configs[name]?.policy?.reboot]))
  const policies = { values: withRebootPolicies({}, reboots), critical: [] }
  const { alerts, uplinks } = init.checked.files
  const extensions = withUplinks(withAlerts(policies, alerts?.content), uplinks)
  const said = { message, commit, configs, devices, extensions, ...(rollout && { rollout }) }
  const bound = boundContent(said, place, nixKey)
  const content = init.site === undefined ? hubContent(bound, await openProject(await tree.folder())) : bound
  const current = newestOf(peer.state.accepted, init.site)
  const isSame = current !== undefined && sameContent(current, content) && hasAllBindings(current)
  if (isSame && !init.force) return { content, same: current }
  const told = await withReleaseShifts(session, content, init.site, talk)
  const next = (current?.version ?? 0) + 1
  await keepTopLevels(home, init.site === undefined ? String(next) : `${init.site}-${next}`, topLevels, store)
  return { content: told, same: undefined }
}

async function builtConfig(
  { peer, home }: Session,
  { tree, checked, recipients }: ReleaseInit & { recipients: Recipients },
  declared: DeclaredFleet,
  name: string,
  topLevel: string,
): Promise<BuiltConfig> {
  const config = declared.configs[name]
  if (config === undefined) throw new RangeError(`config ${name} is not declared`)
  const { system, target } = config
  const { reboot: _, ...policy } = config.policy ?? {}
  const identity = () => operatorIdentity(home)
  const components = { peer, recipients, directory: await tree.folder(), checked, identity }
  const secrets = await releaseSecrets(components, declared, name)
  return {
    ...{ system, target, topLevel },
    ...(config.policy && { policy }),
    ...(Object.keys(secrets).length > 0 && { secrets }),
  }
}

async function describe(
  { peer }: Session,
  built: BuiltConfig,
  nixKey: Parameters<typeof releaseConfig>[2],
  talk: Talk,
): Promise<ReleaseContent['configs'][string]> {
  const released = await releaseConfig(peer, built, nixKey, (done, of) =>
    talk.progress({ step: `Describing ${shortPath(built.topLevel)}`, done, of, unit: 'items' }),
  )
  const paths = released.paths === 1 ? '1 path' : `${released.paths} paths`
  talk.note(`  ${shortPath(built.topLevel)}: ${paths}, ${size(released.narSize)}`)
  return released
}

async function keepTopLevels(
  home: FleetHome,
  release: string,
  topLevels: ReadonlyMap<string, string>,
  store: string | undefined,
): Promise<void> {
  for (const [name, topLevel] of topLevels) await keepPath(topLevel, home.rootsDirectory(release), name, store)
}

/** The devices that a site's operators may release for: those whose certificates name it; who has none, as it is declared. */
async function declaredAt(
  { peer, home }: Session,
  { news }: ReleaseInit,
  site: string,
  declared: DeclaredFleet,
): Promise<DeclaredFleet> {
  // Updates bring the certificates and the site's owner: an operator who may not sign should not wait for a build.
  await news
  requireSiteSigners(acceptedOf(peer).trusted, site, await home.operatorKeys.signers())
  const certificates = peer.directory.certificates().filter(({ role }) => role === 'device')
  const places = new Map(certificates.map(each => [each.name, each]))
  const devices = Object.entries(declared.devices).filter(
    ([name, device]) => (places.get(name) ?? device).site === site,
  )
  if (devices.length > 0) {
    const used = new Set(devices.map(([, { config }]) => config))
    const configs = Object.fromEntries(Object.entries(declared.configs).filter(([name]) => used.has(name)))
    const own = { ...declared, configs, devices: Object.fromEntries(devices) }
    requireSiteRelease(site, draftOf(own))
    return own
  }
  throw new HintedError('no-devices', `the project declares no device of the site ${site}`, {
    hint: "A device's site is the one in its certificate: `thymesh members` shows it.",
  })
}

/** With site and tags, by which waves choose; a device's site is the project's, else that of its certificate. */
function devicesOf(declared: DeclaredFleet, certificates: readonly Certificate[]): ReleaseContent['devices'] {
  const members = certificates.filter(({ role }) => role === 'device')
  // Of namesakes, the first.
  const places = new Map(members.map(({ name, site }) => [name, site] as const).reverse())
  const devices = Object.entries(declared.devices).map(([name, { config, site: declaredSite, tags }]) => {
    const site = declaredSite ?? places.get(name)
    return [name, { config, ...(site !== undefined && { site }), ...(tags.length > 0 && { tags }) }] as const
  })
  if (devices.length > 0) return Object.fromEntries(devices)
  throw new HintedError('no-devices', 'the project declares no devices', {
    hint: 'Add one: devices/NAME.json with {"config": "…"}, and commit it.',
  })
}
