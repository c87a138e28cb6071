/**
 * Every signed document and message of version 1, made with fixed keys and times. `node test/helpers/fixtures.ts` writes
 * them to `test/fixtures/v1/`; a change of those files is a change of the wire format.
 */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalize } from '@tufjs/canonical-json'
import { decodeOutbox, encodeOutbox } from '../../protocol/bundle/outbox.ts'
import { closureCodec } from '../../protocol/closure/closure.ts'
import { shiftsCodec } from '../../protocol/closure/shifts.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { type Certificate, certificateKind } from '../../protocol/members/certificate.ts'
import { formatJoinToken, grantKind, parseJoinToken, tokenIdOf } from '../../protocol/members/join-token.ts'
import { revocationsCodec } from '../../protocol/members/revocations.ts'
import { historyCodec, logRequestCodec } from '../../protocol/messages/logs.ts'
import * as messages from '../../protocol/messages/messages.ts'
import { newsCodec, newsReportsCodec } from '../../protocol/messages/news.ts'
import {
  batchCodec,
  batchContentsCodec,
  openingCodec,
  type Ranges,
  rangesCodec,
} from '../../protocol/messages/ranges.ts'
import { releaseCodec } from '../../protocol/release/release.ts'
import { secretDocumentCodec } from '../../protocol/release/secrets.ts'
import type { UpdatePolicyInput } from '../../protocol/release/update-policy.ts'
import { reportKind } from '../../protocol/report/report.ts'
import { readEnvelope, type SignedKind, signEnvelope } from '../../protocol/signing/dsse.ts'
import { type Signer, signerOf } from '../../protocol/signing/keys.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'

import { type Loaded, parseMetadata, type RoleKind, signMetadata } from '../../protocol/trust/metadata.ts'
import {
  makeStatement,
  type Proposal,
  proposalCodec,
  proposalCountCodec,
  proposalDigestCodec,
  statementKind,
} from '../../protocol/trust/proposal.ts'
import { createProposal } from '../../protocol/trust/proposals.ts'
import { draftRelease } from '../../protocol/trust/publish.ts'
import { type Fixture, plain } from './fixture.ts'
import { type TestFleet, testClosure, testConfig, testFleet, testNow, testSigner, testStorePath } from './fleet.ts'
import { inWaves, sampleSecret, sampleSecrets } from './releases.ts'
import { alarmedReport, fetchingReport, reportOf, rolledBackOf, waitingReport } from './report-samples.ts'
import { serviceFixtures } from './service-fixtures.ts'
import { siteReport, siteSamples } from './site-samples.ts'

export const fixturesDirectory = join(import.meta.dirname, '../fixtures/v1')

/** All fixtures; made anew at each call, always the same. */
export function makeFixtures(): Fixture[] {
  const fleet = testFleet()
  const device = testSigner('device')
  const peer = peerIdOf(device.publicKey)
  const token = fleet.token({ names: 'kiosk-*', site: 'north', bootstrap: ['/ip4/192.0.2.1/tcp/4001'] })
  const byMembers = fleet.certify(device, { name: 'kiosk-1', site: 'north', age: `age1${'q'.repeat(58)}` })
  const byToken = fleet.join(token, device, { name: 'kiosk-1', site: 'north' })
  const fewUses = fleet.token({ uses: 5, memberDays: 730 })
  const countersigned = fleet.certify(device, {
    name: 'kiosk-1',
    site: 'north',
    token: tokenIdOf(readEnvelope(grantKind, token.grant).document),
  })
  const closure = testClosure('kiosk')
  const { trusted, release } = fleet.release({
    message: 'the first release',
    commit: '0123456789abcdef0123456789abcdef01234567',
    configs: { kiosk: testConfig(closure) },
    devices: { 'kiosk-1': { config: 'kiosk' } },
  })
  const { root, timestamp, snapshot, targets, delegated } = trusted as Required<typeof trusted>
  const members = delegated.members as Loaded<'targets'>
  const report = signEnvelope(reportKind, reportOf(fleet.fleet, peer), device)
  const head = { root: 1, timestamp: timestamp.bytes }
  const hash = sha256(Buffer.from('a document'))
  const end = { ip: '192.0.2.1', port: 26_153 }
  const certificateFixture = (name: string, bytes: Uint8Array, ...signers: Signer[]) =>
    signed<Certificate>(name, certificateKind, bytes, ...signers)

  const proposal = proposalOf(fleet)
  const site = siteSamples()

  return [
    plain('proposal', proposalCodec, proposal),
    signed('proposal-statement', statementKind, proposal.statements[0] ?? new Uint8Array(), fleet.keys.targets),
    plain('proposal-digest', proposalDigestCodec, { held: [hash] }),
    plain('proposal-count', proposalCountCodec, { count: 1 }),
    plain('proposal-of-site', proposalCodec, site.proposal),
    metadata('root', 'root', root),
    metadata('root-with-site', 'root', site.root),
    metadata('targets-with-site', 'targets', site.targets),
    metadata('snapshot-with-site', 'snapshot', site.snapshot),
    metadata('site', 'targets', site.metadata),
    metadata('targets', 'targets', targets),
    metadata('snapshot', 'snapshot', snapshot),
    metadata('timestamp', 'timestamp', timestamp),
    metadata('members', 'targets', members),
    certificateFixture('certificate-by-members', byMembers, fleet.keys.members),
    certificateFixture('certificate-by-token', byToken, signerOf(token.seed), device),
    certificateFixture('certificate-countersigned', countersigned, fleet.keys.members),
    signed('grant', grantKind, token.grant, fleet.keys.members),
    signed('grant-with-uses', grantKind, fewUses.grant, fleet.keys.members),
    {
      name: 'join-token.txt',
      bytes: Buffer.from(formatJoinToken(token)),
      format: 'join token',
      decode: bytes => parseJoinToken(Buffer.from(bytes).toString()),
      again: bytes => Buffer.from(formatJoinToken(parseJoinToken(Buffer.from(bytes).toString()))),
    },
    signed('report', reportKind, report, device),
    signed('report-fetching', reportKind, signEnvelope(reportKind, fetchingReport(fleet.fleet, peer), device), device),
    signed('report-rolled-back', reportKind, signEnvelope(reportKind, rolledBackOf(fleet.fleet, peer), device), device),
    plain('release', releaseCodec, release),
    plain('release-of-site', releaseCodec, site.release),
    signed('report-of-site', reportKind, signEnvelope(reportKind, siteReport(fleet.fleet, peer), device), device),
    plain('release-in-waves', releaseCodec, inWaves(release)),
    signed('report-waiting', reportKind, signEnvelope(reportKind, waitingReport(fleet.fleet, peer), device), device),
    plain('release-with-policy', releaseCodec, {
      ...release,
      configs: { kiosk: { ...testConfig(closure), policy: samplePolicy } },
    }),
    plain('release-with-secrets', releaseCodec, {
      ...release,
      configs: { kiosk: { ...testConfig(closure), secrets: sampleSecrets() } },
    }),
    plain('secret', secretDocumentCodec, sampleSecret),
    plain('closure', closureCodec, closure),
    plain('shifts', shiftsCodec, [
      { from: sha256(Buffer.from('old')), to: sha256(Buffer.from('new')), cells: [undefined, -8256, -8256, 0, 16_640] },
      { from: sha256(Buffer.from('older')), to: sha256(Buffer.from('new')), cells: [1] },
    ]),
    plain('revocations', revocationsCodec, { v: 1, fleet: fleet.fleet, peers: [peer] }),
    plain('revocations-with-notes', revocationsCodec, {
      v: 1,
      fleet: fleet.fleet,
      peers: [peer],
      tokens: [tokenIdOf(readEnvelope(grantKind, token.grant).document)],
      notes: [{ subject: peer, name: 'kiosk-1', at: '2026-01-31T12:00:00Z', reason: 'stolen' }],
    }),
    signed(
      'report-with-alarms',
      reportKind,
      signEnvelope(reportKind, alarmedReport(fleet.fleet, peer), device),
      device,
    ),
    plain('head', messages.headCodec, head),
    plain('hello', messages.helloCodec, {
      v: 1,
      fleet: fleet.fleet,
      certificate: byMembers,
      agent: 'thymesh/0.1.0',
      root: 1,
      timestamp: 2,
    }),
    plain('hello-with-boot', messages.helloCodec, {
      v: 1,
      fleet: fleet.fleet,
      certificate: byMembers,
      agent: 'thymesh/0.1.0',
      root: 1,
      timestamp: 2,
      boot: hash.subarray(0, 8),
    }),
    plain('verdict-admitted', messages.verdictCodec, { admitted: true }),
    plain('verdict-refused', messages.verdictCodec, { admitted: false, reason: 'kiosk-1 was revoked' }),
    plain('verdict-with-code', messages.verdictCodec, { admitted: false, reason: 'it was revoked', code: 'revoked' }),
    plain('sync-digest', messages.digestCodec, {
      head,
      members: [{ peer, issued: '2026-01-31T12:00:00Z', report: 7 }],
    }),
    plain('sync-summary', messages.summaryCodec, { digest: hash }),
    plain('sync-item-certificate', messages.syncItemCodec, { certificate: byMembers, peer }),
    plain('sync-item-report', messages.syncItemCodec, { report }),
    plain('sync-item-addresses', messages.syncItemCodec, { addresses: ['/ip4/192.0.2.1/tcp/4001'], peer }),
    plain('sync-item-end', messages.syncItemCodec, { end: true }),
    plain('sync-opening', openingCodec, { head: hash.subarray(0, 16), print: hash.subarray(16) }),
    plain('sync-opening-without-head', openingCodec, { print: hash.subarray(16) }),
    plain('sync-ranges', rangesCodec, sampleRanges(hash)),
    plain('sync-ranges-short', rangesCodec, sampleRanges(hash, 8)),
    plain('sync-ranges-last', rangesCodec, { ranges: [], wants: [[hash.subarray(0, 12), 3]] }),
    plain('sync-batch', batchCodec, { packed: hash, unpacked: 800 }),
    plain('sync-batch-end', batchCodec, { noMore: true }),
    plain('sync-batch-contents', batchContentsCodec, [
      { certificate: byMembers, peer },
      { report },
      { addresses: ['/ip4/192.0.2.1/tcp/4001'], peer },
    ]),
    plain('news-told', newsCodec, { told: [[hash.subarray(0, 6), 7]] }),
    plain('news-told-and-wanted', newsCodec, {
      told: [
        [hash.subarray(0, 6), 7],
        [hash.subarray(6, 12), 2 ** 35],
      ],
      wants: [
        [0, new Uint8Array()],
        [3, hash.subarray(0, 8)],
      ],
    }),
    plain('news-again', newsCodec, { again: [hash.subarray(0, 6)] }),
    plain('news-reports', newsCodec, { reports: { packed: hash, unpacked: 800 } }),
    plain('news-whole-reports', newsCodec, {
      wants: [[1, hash.subarray(0, 8)]],
      reports: { packed: hash, unpacked: 800, whole: [0] },
    }),
    plain('news-list-of-reports', newsReportsCodec, [report, new Uint8Array()]),
    plain('document-request-hash', messages.documentRequestCodec, { hash }),
    plain('document-request-bases', messages.documentRequestCodec, { hash, bases: [hash] }),
    plain('document-request-root', messages.documentRequestCodec, { root: 2 }),
    plain('document-request-head', messages.documentRequestCodec, { head: true }),
    plain('document-request-certificate', messages.documentRequestCodec, { certificate: peer }),
    plain('document-request-named', messages.documentRequestCodec, { named: hash, without: hash }),
    plain('named-documents', messages.namedDocumentsCodec, { documents: [hash, report] }),
    plain('log-request-journal', logRequestCodec, {
      journal: { unit: 'web.service', lines: 100, since: '2026-01-31T12:00:00Z' },
    }),
    plain('log-request-activation', logRequestCodec, { activation: hash }),
    plain('log-request-history', logRequestCodec, { history: true }),
    plain('history', historyCodec, [
      {
        release: 3,
        outcome: 'rolled-back',
        at: '2026-01-31T12:00:00Z',
        config: 'kiosk',
        topLevel: testStorePath('kiosk'),
        code: 'health-failed',
        message: 'web.service failed',
      },
      { release: 2, outcome: 'running' },
    ]),
    outboxFixture(fleet.fleet, byMembers, report, device),
    plain('history-of-site', historyCodec, [{ release: 1, site: 'north', outcome: 'running' }]),
    ...serviceFixtures({ hash, peer, end }),
    plain('answer-size', messages.answerCodec, { size: 4096 }),
    plain('answer-packed', messages.answerCodec, { size: 4096, unpacked: 8192 }),
    plain('answer-delta', messages.answerCodec, { size: 4096, unpacked: 8192, base: hash }),
    plain('answer-error', messages.answerCodec, { error: 'not-found' }),
  ]
}

function proposalOf(fleet: TestFleet): Proposal {
  const { targets } = fleet.keys
  const created = '2026-01-31T12:00:00Z'
  const { trusted } = fleet.published
  const draft = draftRelease(trusted, fleet.fleet, { message: 'next', configs: {}, devices: {} }, testNow)
  const said = { fleet: fleet.fleet, operator: 'ada', verdict: 'proposed' as const, at: created, message: 'next' }
  const unsigned: Proposal = {
    v: 1,
    fleet: fleet.fleet,
    author: targets.keyId,
    operator: 'ada',
    created,
    message: 'next',
    targets: signMetadata('targets', draft.targets, []).bytes,
    documents: [draft.bytes],
    statements: [],
  }
  return createProposal(unsigned, [targets], id => makeStatement({ ...said, proposal: id }, targets), trusted).proposal
}

/** Every key of a policy, each probe once. */
const samplePolicy: UpdatePolicyInput = {
  health: {
    units: 'compare',
    settleSeconds: 10,
    probes: [
      { kind: 'unit', unit: 'kiosk.service', successes: 3 },
      { kind: 'tcp', host: 'localhost', port: 80, timeoutSeconds: 1 },
      { kind: 'http', url: 'http://localhost/health', status: 204, intervalSeconds: 2, withinSeconds: 30 },
      { kind: 'command', command: ['/bin/true', 'an argument'], name: 'it answers' },
    ],
  },
  degraded: 'hold',
  confirm: { deadlineSeconds: 120, peers: 2 },
  attempts: 2,
  bootAttempts: 2,
  keep: { generations: 3, days: 7 },
  gc: { cron: '30 3 * * *', timeZone: 'Europe/Berlin' },
  disk: { reserveBytes: 1_000_000 },
  windows: [{ cron: '0 2 * * 1-5', timeZone: 'Europe/Berlin', minutes: 180 }],
}

export function signed<T>(name: string, kind: SignedKind<T>, bytes: Uint8Array, ...signers: Signer[]): Fixture {
  return {
    name: `${name}.dsse`,
    bytes,
    format: kind.codec.name,
    decode: envelope => readEnvelope(kind, envelope).document,
    again: envelope => signEnvelope(kind, readEnvelope(kind, envelope).document, ...signers),
  }
}

export function metadata(name: string, kind: RoleKind, loaded: Loaded<RoleKind>): Fixture {
  return {
    name: `${name}.json`,
    bytes: loaded.bytes,
    format: kind,
    decode: bytes => parseMetadata(kind, bytes),
    again: bytes => Buffer.from(canonicalize(parseMetadata(kind, bytes).metadata.toJSON())),
  }
}

if (import.meta.main) {
  await mkdir(fixturesDirectory, { recursive: true })
  for (const { name, bytes } of makeFixtures()) await writeFile(join(fixturesDirectory, name), bytes)
}

/** What a device sends home: a certificate, a report, an entry of its history, a log. */
function outboxFixture(fleet: string, certificate: Uint8Array, report: Uint8Array, device: Signer): Fixture {
  const bytes = encodeOutbox(
    {
      v: 1,
      fleet,
      peer: peerIdOf(device.publicKey),
      created: '2026-01-02T03:04:05Z',
      certificates: [certificate],
      reports: [report],
      history: [{ release: 1, outcome: 'running' }],
      logs: [Buffer.from('a log')],
    },
    device,
  )
  const again = (read: Uint8Array) => encodeOutbox(decodeOutbox(read), device)
  return { name: 'outbox.cbor', format: 'outbox', bytes, decode: decodeOutbox, again }
}

/** One range of each kind, and members whose certificates the members role and a join token have signed. */
function sampleRanges(hash: Uint8Array, length = 16): Ranges {
  const [key, print] = [hash.subarray(0, 12), hash.subarray(16, 16 + length)]
  return {
    ranges: [
      [Uint8Array.of(0x10)],
      [Uint8Array.of(0x20, 0x80), print],
      [
        new Uint8Array(),
        [
          [key, 1_769_860_800, 7],
          [hash.subarray(12, 24), 1_769_860_800 - 2 ** 38, 0],
        ],
      ],
    ],
    wants: [[key, 1]],
  }
}
