/** What each command prints with `--json`, by its name: one contract for scripts, which `thymesh api schema` describes. */

import { z } from 'zod'
import { ownStatusSchema, siteSchema } from '../../../node/api/schemas.ts'
import { type NetChecks, netChecksSchema, type PeersView, peersSchema } from '../../../node/mesh/relay/network-view.ts'
import { accessChangedSchema, accessSchema, ranSchema } from './access.ts'
import { adoptedSchema, adoptPlanSchema } from './adopt.ts'
import { alertsSchema } from './alerts.ts'
import { auditSchema } from './audit.ts'
import { deviceLogSchema, deviceSchema, searchedLogsSchema } from './device.ts'
import { reassignedSchema, replacedSchema, retiredSchema, siteRenamedSchema } from './life.ts'
import { membersSchema, tokensSchema } from './members.ts'
import { metricsSchema } from './metrics.ts'
import {
  approvedSchema,
  collectedSchema,
  plannedSchema,
  rejectedSchema,
  renewedSchema,
  revokedSchema,
  revokedTokenSchema,
  silencedSchema,
} from './orders.ts'
import { artifactsSchema, inputsSchema, problemSchema, secretsSchema } from './project.ts'
import {
  builtSchema,
  bundlesTakenSchema,
  bundleWrittenSchema,
  carriedSchema,
  checkedSchema,
  comparedSchema,
  importedSchema,
  inputChangedSchema,
  updatedSchema,
} from './project-orders.ts'
import { proposalsSchema } from './proposals.ts'
import { recordingSchema, recordingsSchema } from './recordings.ts'
import { rehearsedSchema } from './rehearsal.ts'
import { releasesSchema } from './releases.ts'
import { risksSchema } from './risks.ts'
import { progressOfReleaseSchema, rolloutSchema } from './rollout.ts'
import { listedSnapshotsSchema } from './snapshots.ts'
import { statusSchema } from './status.ts'
import { supportSchema } from './support.ts'
import { taskSchema, tasksSchema } from './task.ts'
import { tokenMadeSchema } from './token.ts'
import { logSchema, rootSchema, sitesSchema } from './trust.ts'
import { trustChangedSchema } from './trust-orders.ts'
import { visitSchema } from './visit.ts'
import { vmMadeSchema, vmRemovedSchema, vmStartedSchema, vmStoppedSchema, vmsSchema } from './vms.ts'
import { webSessionsSchema } from './web.ts'
import { whySchema } from './why.ts'

export type { NetChecks, PeersView }

const text = z.string()
const json = z.record(z.string(), z.unknown())
/** Of every command that edits the project. */
const written = z.object({ written: z.array(text) })
const rekeyed = written.extend({ rekeyed: z.array(text) })
const entry = z.looseObject({ name: text })

/** A release that was watched to its end, or one that waits for signatures. */
const releasing = z.union([
  progressOfReleaseSchema.omit({ waves: true }),
  z.object({
    release: z.int(),
    site: text.optional(),
    proposal: text.nullable(),
    complete: z.literal(false),
    heard: z.boolean(),
  }),
])

const entries = (word: string) => ({
  [`${word} list`]: z.record(text, z.array(entry)),
  ...(word !== 'device' && {
    [`${word} show`]: z.object({ name: text, file: text, content: json.optional(), value: z.unknown().optional() }),
  }),
  ...Object.fromEntries(['add', 'remove', 'rename', 'set', 'unset'].map(what => [`${word} ${what}`, written])),
})

const rootChanged = trustChangedSchema
  .pick({ id: true, root: true, complete: true, published: true, heard: true })
  .extend({ file: text.nullable(), renewed: z.array(text).optional(), cutOff: z.array(text).optional() })
const siteChanged = z.object({ id: text, site: text, published: z.boolean(), heard: z.boolean() })

const manifest = z.looseObject({ fleet: text, release: z.int(), configs: z.array(text), bytes: z.int() })
const keys = z.object({ directory: text, operator: text, sealed: z.boolean(), card: text })
const backedUp = z.looseObject({ operator: text.nullable().optional(), files: z.array(text) })
const seconds = z.object({ at: text, text })
const reassigned = reassignedSchema.extend({ heard: z.boolean() })
const accessChanged = accessChangedSchema.extend({ heard: z.boolean() })

/** Of commands that print one object; a command that goes on prints one a line. */
export const commandSchemas: Readonly<Record<string, z.ZodType>> = {
  init: z.looseObject({ fleet: text, directory: text, home: text, written: z.array(text) }),
  doctor: z.object({
    ok: z.boolean(),
    roles: z.object({ device: z.boolean(), laptop: z.boolean() }),
    checks: z.array(z.object({ check: text, ok: z.boolean(), message: text, hint: text.nullable() })),
  }),
  'key new': keys,
  'key show': keys.extend({ keys: z.record(text, z.array(text)) }),
  'key passphrase': z.object({ directory: text, files: z.int(), sealed: z.boolean() }),
  backup: backedUp.extend({ file: text }),
  restore: backedUp.extend({ directory: text }),
  'root show': rootSchema,
  'root propose': rootChanged,
  'root sign': rootChanged,
  log: logSchema,
  token: tokenMadeSchema,
  viewer: z.object({ name: text, directory: text }),
  'token list': tokensSchema,
  'token revoke': revokedTokenSchema,
  members: membersSchema,
  'members renew': renewedSchema,
  revoke: revokedSchema,
  'site delegate': siteChanged,
  'site revoke': siteChanged,
  'site list': sitesSchema,
  'site rename': siteRenamedSchema.extend({ heard: z.boolean() }),

  check: checkedSchema,
  schema: json,
  'import-thymis': importedSchema,
  'module list': z.object({
    modules: json,
    problems: z.array(z.looseObject(problemSchema.pick({ file: true }).shape)),
  }),
  'module show': z.looseObject({ name: text, settings: json }),
  'module add': written,
  'module remove': written,
  'artifact list': artifactsSchema,
  'artifact add': written,
  'artifact remove': written,
  ...entries('config'),
  ...entries('tag'),
  ...entries('device'),
  'secret list': secretsSchema.pick({ secrets: true, unread: true }),
  'secret add': written,
  'secret set': written,
  'secret rotate': written,
  'secret edit': written,
  'secret show': z.object({ name: text, type: text, content: text.optional(), base64: text.optional() }),
  'secret remove': written,
  'secret rekey': rekeyed,
  'secret identity': z.object({ recipient: text }),
  'secret allow': rekeyed,
  'secret disallow': rekeyed,
  build: builtSchema,
  diff: comparedSchema,
  try: rehearsedSchema,
  update: updatedSchema,
  'input list': inputsSchema,
  'input show': inputsSchema.shape.inputs.element,
  'input add': inputChangedSchema,
  'input remove': inputChangedSchema,
  'input update': updatedSchema,
  serve: seconds,
  'api schema': json,
  tasks: tasksSchema,
  'tasks show': taskSchema,
  'tasks cancel': taskSchema,
  'tasks retry': taskSchema,
  web: z.object({ url: text, address: text, opened: z.boolean() }),
  'web sessions': webSessionsSchema,
  'web end': z.object({ ended: text }),
  completion: z.object({ shell: text, script: text }),
  'man-pages': written,

  // With `--plan` what it would bring.
  deploy: z.union([releasing, plannedSchema]),
  rollback: releasing,
  promote: releasing,
  releases: releasesSchema,
  rollout: rolloutSchema,
  proposals: proposalsSchema,
  approve: z.union([approvedSchema.omit({ site: true }).extend({ heard: z.boolean() }), releasing]),
  reject: rejectedSchema,

  // With `--risk` the second one; that of a device's daemon.
  status: z.union([statusSchema, risksSchema, z.object({ own: ownStatusSchema, site: siteSchema })]),
  why: whySchema,
  visit: visitSchema.extend(collectedSchema.shape),
  // With `--on` of several devices.
  logs: z.union([deviceLogSchema, searchedLogsSchema]),
  audit: auditSchema.extend({ file: text.optional() }),
  // With an ID the second one; with `--save` the cast is in the file.
  recordings: z.union([recordingsSchema, recordingSchema.extend({ file: text.optional() })]),
  'device show': deviceSchema,
  adopt: z.union([adoptedSchema, adoptPlanSchema, z.object({ adopted: z.literal(false) })]),
  join: z.object({
    ...{ name: text, peer: text, fleet: text, site: text.nullable() },
    ...{ joined: z.boolean(), started: z.boolean() },
  }),
  'vm create': vmMadeSchema,
  'vm list': vmsSchema,
  'vm start': vmStartedSchema,
  'vm stop': vmStoppedSchema,
  'vm remove': vmRemovedSchema,
  rename: reassigned,
  move: reassigned,
  // With `--finish` what became of the new hardware.
  replace: z.union([
    replacedSchema.extend({ token: text, id: text, expires: text }),
    z.object({ device: text, peer: text, release: reassignedSchema.shape.release, heard: z.boolean() }),
  ]),
  retire: retiredSchema.extend({ wiped: z.literal(true).nullable(), heard: z.boolean() }),
  support: z.union([supportSchema, supportSchema.omit({ text: true }).extend({ file: text })]),
  leave: z.object({ removed: z.array(text), left: z.array(text) }),
  reboot: ranSchema,
  'restart-unit': ranSchema,
  metrics: metricsSchema,
  'alerts list': alertsSchema,
  'alerts ack': silencedSchema,
  'alerts silence': silencedSchema,
  peers: peersSchema,
  netcheck: netChecksSchema,
  'access list': accessSchema,
  'access grant': accessChanged,
  'access revoke': accessChanged,
  // With --host-key: else ssh speaks for itself.
  ssh: z.object({ device: text, hostKey: text }),
  'ssh-config': z.object({ fleet: text, config: text }),
  run: ranSchema,
  forward: z.object({ device: text, to: text, local: text, url: text.nullable() }),
  screen: z.union([z.object({ device: text, file: text, width: z.int(), height: z.int() }), listedSnapshotsSchema]),
  'bundle write': bundleWrittenSchema,
  'bundle show': manifest,
  'bundle verify': manifest.extend({
    archiveBytes: z.int(),
    expires: text.nullable(),
    missingChunks: z.int(),
    missingDocuments: z.int(),
  }),
  'bundle take': bundlesTakenSchema,
  courier: z.looseObject({}),
  'carry out': z.object({ file: text, bytes: z.int() }),
  'carry in': carriedSchema,
  'install-secrets': z.object({ files: z.int().nullable() }),
}
