/** What the API does at once and answers in the same request: quick work, and work whose answer may not be kept in a task. */

import type { z } from 'zod'
import { maxUploadBytes } from './limits.ts'
import { addArtifactOptions, removeArtifactOptions } from './schemas/artifacts.ts'
import {
  commitOptions,
  committedSchema,
  editedSchema,
  editOptions,
  previewOptions,
  previewSchema,
} from './schemas/edits.ts'
import {
  addSecretOptions,
  allowOptions,
  disallowOptions,
  rekeyedSchema,
  rekeyOptions,
  removeSecretOptions,
  secretWrittenSchema,
  setSecretOptions,
} from './schemas/secrets.ts'
import { tokenMadeSchema, tokenOptions } from './schemas/token.ts'
import {
  previewProposalOptions,
  previewRootOptions,
  previewSiteOptions,
  trustPreviewSchema,
} from './schemas/trust-orders.ts'
import { write } from './write.ts'

export const writes = {
  preview: write({
    path: '/v1/project/preview',
    summary: 'What edits of the project would change and make wrong; writes nothing',
    options: previewOptions,
    answer: previewSchema,
    shows: true,
    load: async () => (await import('../orders/edit-project.ts')).previewEdits,
  }),
  edit: write({
    path: '/v1/project/edit',
    summary: 'Edit the project: all of it or nothing, only what the editor has seen, with a commit on request',
    options: editOptions,
    answer: editedSchema,
    load: async () => (await import('../orders/edit-project.ts')).writeEdits,
  }),
  commit: write({
    path: '/v1/project/commit',
    summary: 'Commit files of the project that differ from the last commit: a deploy takes what is committed',
    options: commitOptions,
    answer: committedSchema,
    load: async () => (await import('../orders/commit-project.ts')).commitProject,
  }),
  'preview-root': write({
    path: '/v1/preview-root',
    summary: 'What another root would change, before it is signed',
    options: previewRootOptions,
    answer: trustPreviewSchema,
    load: async () => (await import('../orders/trust.ts')).previewRoot,
  }),
  'preview-site': write({
    path: '/v1/preview-site',
    summary: 'What other operators of a site would change, before it is signed',
    options: previewSiteOptions,
    answer: trustPreviewSchema,
    load: async () => (await import('../orders/trust.ts')).previewSite,
  }),
  'preview-proposal': write({
    path: '/v1/preview-proposal',
    summary: 'What a proposal out of a file changes',
    options: previewProposalOptions,
    answer: trustPreviewSchema,
    load: async () => (await import('../orders/trust.ts')).previewProposal,
  }),
  token: write({
    path: '/v1/token',
    summary: 'Create a join token; only this answer has it',
    options: tokenOptions,
    answer: tokenMadeSchema,
    load: async () => (await import('../orders/token.ts')).makeTokenHere,
  }),
  'add-secret': write({
    path: '/v1/add-secret',
    summary: 'Add a secret, with content or a generated password',
    options: addSecretOptions,
    answer: secretWrittenSchema,
    load: async () => (await import('../orders/secrets.ts')).addSecretNow,
  }),
  'set-secret': write({
    path: '/v1/set-secret',
    summary: 'Give a secret other content; devices get it with the next deploy',
    options: setSecretOptions,
    answer: secretWrittenSchema,
    load: async () => (await import('../orders/secrets.ts')).setSecretNow,
  }),
  'remove-secret': write({
    path: '/v1/remove-secret',
    summary: 'Remove a secret that nothing uses',
    options: removeSecretOptions,
    answer: secretWrittenSchema,
    load: async () => (await import('../orders/secrets.ts')).removeSecretNow,
  }),
  'rekey-secrets': write({
    path: '/v1/rekey-secrets',
    summary: 'Encrypt all secrets to the operators of thymesh.json',
    options: rekeyOptions,
    answer: rekeyedSchema,
    load: async () => (await import('../orders/secrets.ts')).rekeyNow,
  }),
  'allow-reader': write({
    path: '/v1/allow-reader',
    summary: 'Let an operator read the secrets',
    options: allowOptions,
    answer: rekeyedSchema,
    load: async () => (await import('../orders/secrets.ts')).allowNow,
  }),
  'disallow-reader': write({
    path: '/v1/disallow-reader',
    summary: 'Encrypt the secrets so that an operator can no longer read them',
    options: disallowOptions,
    answer: rekeyedSchema,
    load: async () => (await import('../orders/secrets.ts')).disallowNow,
  }),
  'add-artifact': write({
    path: '/v1/add-artifact',
    summary: 'Add a file for devices, or replace one on request',
    options: addArtifactOptions,
    answer: editedSchema,
    maxBytes: maxUploadBytes,
    load: async () => (await import('../orders/artifacts.ts')).addArtifact,
  }),
  'remove-artifact': write({
    path: '/v1/remove-artifact',
    summary: 'Remove an artifact that nothing uses',
    options: removeArtifactOptions,
    answer: editedSchema,
    load: async () => (await import('../orders/artifacts.ts')).removeArtifact,
  }),
}
export type WriteName = keyof typeof writes
export type WriteOptions<Name extends WriteName> = z.input<(typeof writes)[Name]['options']>
export type WriteAnswer<Name extends WriteName> = z.output<(typeof writes)[Name]['answer']>
