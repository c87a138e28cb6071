/** Reports of version 2: a signed report of version 1 with extensions beside it, under a second signature. */

import { z } from 'zod'
import { FormatError } from '../encoding/cbor.ts'
import { extensionsSchema } from '../encoding/extensions.ts'
import { bytesSchema, fleetIdSchema, versionSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { type Origin, openEnvelope, readContent, readEnvelope, signedKind } from '../signing/dsse.ts'
import { peerIdSchema, publicKeyOf } from '../signing/peer-id.ts'
import { type Report, ReportError, reportKind, verifyReport } from './report.ts'

const extendedSchema = z.strictObject({
  v: z.literal(2),
  fleet: fleetIdSchema,
  peer: peerIdSchema,
  /** Higher than that of the report in it, which it replaces. */
  counter: versionSchema,
  /** The report of version 1 with its signature: peers of the version before get it as it is. */
  report: bytesSchema(1, limits.envelope),
  extensions: extensionsSchema({ one: limits.reportExtension, all: limits.reportExtensions }),
})

export const extendedReportKind = signedKind<z.infer<typeof extendedSchema>>('report', extendedSchema, 2)

/** A report of either version, with the form of it that peers of the version before understand. */
export interface OpenedReport {
  readonly document: Report
  readonly envelope: Uint8Array
  /** The report of version 1: this one, or the one in it. */
  readonly plain: { readonly counter: number; readonly envelope: Uint8Array }
}

/** Whether an envelope says that it has version 2. Throws a FormatError if it is no envelope. */
export function isExtendedReport(envelope: Uint8Array): boolean {
  return openEnvelope(envelope).payloadType === extendedReportKind.payloadType
}

/** Reads a report of either version. Throws a FormatError. Verifies no signature. */
export function openReport(envelope: Uint8Array, origin: Origin = 'received'): OpenedReport {
  const opened = openEnvelope(envelope, origin)
  if (opened.payloadType !== extendedReportKind.payloadType) {
    const { document } = readContent(reportKind, opened, origin)
    return { document, envelope, plain: { counter: document.counter, envelope } }
  }
  const { fleet, peer, counter, report, extensions } = readContent(extendedReportKind, opened, origin).document
  const { document } = readEnvelope(reportKind, report, origin)
  if (document.fleet !== fleet || document.peer !== peer || document.counter >= counter) {
    throw new FormatError('malformed', 'expected an older report of the same peer in the report, got another one')
  }
  const plain = { counter: document.counter, envelope: report }
  return { document: { ...document, counter, extensions }, envelope, plain }
}

/**
 * Verifies that a report of either version, and the one in it, is signed by its own peer and belongs to this fleet. Throws
 * a ReportError or a FormatError.
 */
export function verifyOpened(envelope: Uint8Array, fleet: string): OpenedReport {
  const opened = openReport(envelope)
  const { peer } = verifyReport(opened.plain.envelope, fleet)
  if (opened.plain.envelope === envelope) return opened
  if (readEnvelope(extendedReportKind, envelope).signedBy(publicKeyOf(peer))) return opened
  throw new ReportError('not-signed', `the extended report of ${peer} isn't signed by its peer`)
}
