/** One full answer to each question of the CLI: every field is there, or it does not compile. */

import type { QuestionAnswer, QuestionName } from '../../controller/api/questions.ts'

/** Nothing optional and nothing null: a field that is added later must be added here. */
type Full<T> = T extends string | number | boolean | Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? [Full<Item>, ...Full<Item>[]]
    : T extends object
      ? { [Name in keyof T]-?: Full<NonNullable<T[Name]>> }
      : T

type Data<Name extends QuestionName> = QuestionAnswer<Name>

const peer = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const at = '2026-01-31T12:00:00Z'
const path = '/nix/store/00000000000000000000000000000000-kiosk'
const id = '5f0c21d9a84e7730'.repeat(4)

const update: Full<Data<'rollout'>['waves'][number]['devices'][number]>['update'] = {
  ...{ release: 2, milliseconds: 1200, paths: 3, pathsDone: 2, needed: 4096, fromStore: 512, fromControllers: 0 },
  ...{ fromNeighbours: 1024, fromElsewhere: 0, wire: 2048, wasted: 1, bytesPerSecond: 1000, secondsLeft: 9 },
}

const row: Full<Data<'status'>['devices'][number]> = {
  ...{ device: 'kiosk-1', peer, site: 'north', config: 'kiosk', follows: 'north', releaseSite: 'north' },
  ...{ release: 1, running: path, wanted: 2, state: 'fetching', lastSeen: at, freshness: 'fresh' },
  turn: { release: 2, wave: 2, is: 'held', reason: 'wave 1 has 1 of 3 confirmed' },
  error: { code: 'health-failed', message: 'kiosk.service failed', hint: 'Look at its log: thymesh logs kiosk-1' },
  update,
  duplicate: true,
}

const alarm: Full<Data<'status'>['alarms'][number]> = {
  ...{ kind: 'clone', subject: peer, verified: false, claimedBy: [{ device: 'kiosk-3', peer }] },
}

const wave: Full<Data<'rollout'>['waves'][number]> = {
  ...{ wave: 1, title: 'one device', confirmed: 0, failed: 1, soakSeconds: 600, failures: 0, absent: 0 },
  ...{ state: 'held', reason: '1 of 3 failed' },
  devices: [{ device: 'kiosk-1', outcome: 'failed', reason: 'kiosk.service failed', update, lastSeen: at }],
}

export const answerSamples: { [Name in QuestionName]: unknown } = {
  status: {
    ...{ fleet: id, release: 3, sites: { north: 3 }, peers: ['laptop'], devices: [row] },
    newest: [
      { site: 'north', version: 3, message: 'new sign' },
      { site: null as never, version: 2, message: 'new kiosk' },
    ],
    alarms: [alarm, { ...alarm, kind: 'equivocation', subject: 'targets 7', verified: true }],
    rootEnd: { expires: at, daysLeft: 3 },
    damaged: [path],
  } satisfies Full<Data<'status'>>,
  devices: { devices: [row], next: peer } satisfies Full<Data<'devices'>>,
  rollout: {
    ...{ release: 3, site: 'north', message: 'new sign', promotes: { release: 2, waves: 1 }, complete: false },
    policy: {} as never,
    waves: [wave],
  } satisfies Full<Data<'rollout'>>,
  progress: {
    ...{ release: 3, site: 'north', complete: false, held: true, restores: 1, holders: ['kiosk-1'] },
    ...{ failed: ['kiosk-1'], waiting: ['kiosk-2'], damaged: [path], devices: [row], waves: [wave] },
  } satisfies Full<Data<'progress'>>,
  device: {
    ...{ device: 'kiosk-1', peer, addresses: ['/ip4/192.0.2.1/tcp/4460'], connected: true, historyFrom: 'device' },
    certificate: { role: 'device', site: 'north', issued: at, expires: at, byToken: true },
    declared: { config: 'kiosk', site: 'north', tags: ['lobby'], wave: 1 },
    status: row,
    health: { state: 'failed', units: ['kiosk.service'], probes: ['tcp localhost:80'] },
    history: [
      {
        ...{ release: 1, site: 'north', outcome: 'failed', at, config: 'kiosk', topLevel: path },
        ...{ code: 'health-failed', message: 'kiosk.service failed' },
      },
    ],
    excerpt: 'kiosk.service: failed\nkiosk.service: failed again',
  } satisfies Full<Data<'device'>>,
  logs: { device: 'kiosk-1', peer, lines: ['2026-01-31T12:00:00+0000 kiosk-1 web[7]: ready'] } satisfies Full<
    Data<'logs'>
  >,
  log: {
    events: [
      {
        ...{ at, atIs: 'signed', what: 'approved', version: 2, site: 'north', message: 'looks good', proposal: id },
        signers: [{ operator: 'ada', key: id, claims: 'ada' }],
      },
    ],
    next: '1',
  } satisfies Full<Data<'log'>>,
  releases: {
    releases: [
      {
        ...{ site: 'north', version: 2, created: at, message: 'new sign', commit: 'c'.repeat(40), restores: 1 },
        configs: {
          kiosk: {
            ...{ system: 'x86_64-linux', target: 'portable', topLevel: path, closure: 'bafy', paths: 3, narSize: 9 },
            policy: {} as never,
            secrets: {} as never,
          },
        },
        devices: { 'kiosk-1': { config: 'kiosk', site: 'north', tags: ['lobby'] } },
      },
    ],
    next: '/2',
  } satisfies Full<Data<'releases'>>,
  members: {
    fleet: id,
    members: [
      {
        ...{ name: 'kiosk-1', peer, role: 'device', site: 'north', issuedBy: 'token', token: id, issued: at },
        ...{ expires: at, state: 'member', lastSeen: at, connected: false, renewing: true, held: 'name-taken' },
        ...{ cloned: true, cloneClaimedBy: [{ device: 'kiosk-3', peer }], revoked: { at, reason: 'stolen' } },
      },
    ],
    alarms: [alarm],
    next: peer,
  } satisfies Full<Data<'members'>>,
  tokens: {
    tokens: [
      {
        ...{ id, names: 'kiosk-*', site: 'north', issued: at, expires: at, uses: 3, overLimit: 'flag' },
        ...{ countersigned: 1, provisional: 1, provisionalPeers: [peer], state: 'usable' },
      },
    ],
  } satisfies Full<Data<'tokens'>>,
  proposals: {
    proposals: [
      {
        ...{ id, root: 2, release: 3, members: 4, site: 'north', operator: 'ada', created: at, message: 'new sign' },
        ...{ complete: false, withdrawn: false },
        signatures: [{ part: 'release', by: 'current', threshold: 2, signed: [id] }] as never,
        statements: [{ operator: 'bob', verdict: 'rejected', at, message: 'not today' }],
        changes: [
          { device: 'kiosk-1', before: { config: 'old', topLevel: path }, after: { config: 'kiosk', topLevel: path } },
        ],
      },
    ],
  } satisfies Full<Data<'proposals'>>,
  proposal: {
    ...{ id, title: 'release 3', complete: false, withdrawn: false, text: 'Release 3, proposed by ada' },
  } satisfies Full<Data<'proposal'>>,
  root: {
    ...{ version: 1, fleet: id, name: 'museum', created: at, expires: at, nixPublicKeys: ['museum-1:AAAA'] },
    roles: Object.fromEntries(
      ['root', 'targets', 'snapshot', 'timestamp', 'members'].map(role => [
        role,
        { threshold: 1, keys: [{ id, operator: 'ada' }] },
      ]),
    ) as never,
  } satisfies Full<Data<'root'>>,
  released: { release: 1, configs: { kiosk: [{ path, narSize: 9 }] } } satisfies Full<Data<'released'>>,
  sites: {
    sites: [
      {
        ...{ site: 'north', threshold: 1, keys: [id], nixPublicKeys: ['north-1:AAAA'], release: 2 },
        ...{ message: 'new sign', devices: ['kiosk-1'] },
      },
    ],
  } satisfies Full<Data<'sites'>>,
}
